"""The pinned files of trained parameters, importable without torch."""

from serving.feature import Url, WeightFile

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
