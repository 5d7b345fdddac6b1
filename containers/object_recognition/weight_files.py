"""The pinned files of trained parameters, importable without torch."""

from serving.feature import Hub, Url, WeightFile

_FASTESTDET_COMMIT = "50473cd155cb088aa4a99e64ff6a4b3c24fa07e1"

FASTESTDET = WeightFile(
    name="fastestdet_coco80.pth",
    source=Url(
        address=f"https://raw.githubusercontent.com/dog-qiuqiu/FastestDet/{_FASTESTDET_COMMIT}"
        "/weights/weight_AP05%3A0.253207_280-epoch.pth"
    ),
    sha256="7f688d478ee474c82dbdb9c10e0ede2f8f3cf5d603f0825d2efd925eb561d05e",
    size=1157945,
    license="BSD-3-Clause",
    origin="FastestDet by Xuehao Ma, trained on COCO",
)

YOLOX_S = WeightFile(
    name="yolox_s.onnx",
    source=Url(
        address="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_s.onnx"
    ),
    sha256="c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
    size=35858002,
    license="Apache-2.0",
    origin="YOLOX-S by Megvii, trained on COCO; the licence is the repository's, weights are not named in it",
)


def _owlv2(file: str) -> WeightFile:
    return WeightFile(
        name=f"owlv2/{file}",
        source=Hub(repository="google/owlv2-base-patch16-ensemble", path=file),
        license="Apache-2.0",
        origin="OWLv2 base, patches of 16 px, 960 px, ensemble, by Google",
    )


OWLV2 = OWLV2_CONFIG, OWLV2_NETWORK, OWLV2_VOCABULARY, OWLV2_MERGES = tuple(
    map(_owlv2, ("config.json", "model.safetensors", "vocab.json", "merges.txt"))
)
