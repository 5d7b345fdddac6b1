"""The weight files of the face networks. Other features that detect faces declare some of them too."""

from serving.feature import Url, WeightFile

_GITHUB = "https://raw.githubusercontent.com"

RETINAFACE = WeightFile(
    name="retinaface.pth",
    sources=(
        Url(
            address=f"{_GITHUB}/biubug6/Face-Detector-1MB-with-landmark/2b075657aef954b9426f938ac7fce100b6910fe6"
            "/weights/mobilenet0.25_Final.pth"
        ),
    ),
    sha256="ed6fa7d45a5179f03cb5ce82c73b0c6711372968e53782e88395acee88d319e1",
    size=1789735,
    license="MIT",
    origin="RetinaFace, MobileNet-0.25, by biubug6; trained on WIDER FACE, a data set for research",
)
RETINAFACE_R50 = WeightFile(
    name="retinaface.pth",
    sources=(
        Url(
            address="https://github.com/xinntao/facexlib/releases/download/v0.1.0/detection_Resnet50_Final.pth"
        ),
    ),
    sha256="6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",
    size=109497761,
    license="MIT",
    origin="RetinaFace, ResNet-50, by biubug6; trained on WIDER FACE, a data set for research",
)
FACEMESH = WeightFile(
    name="facemesh.pth",
    sources=(
        Url(
            address=f"{_GITHUB}/zmurez/MediaPipePyTorch/b38dbe35a3879d6dae1348cf00fc004311b3fa41"
            "/blazeface_landmark.pth"
        ),
    ),
    sha256="2c529987e67f82e58a608a394aabf245a3afa19ac2f761981894f70b4df9fdca",
    size=2439235,
    license="Apache-2.0",
    origin="FaceMesh by MediaPipe (Google), converted by zmurez",
)


def _face_api(name: str, path: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=name,
        sources=(
            Url(
                address=f"{_GITHUB}/justadudewhohacks/face-api.js/a86f011d72124e5fb93e59d5c4ab98f699dd5c9c/weights/{path}"
            ),
        ),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="TinyXception for age and gender, by face-api.js",
    )


TINY_XCEPTION = (
    _face_api(
        "age_gender.json",
        "age_gender_model-weights_manifest.json",
        "780ca481c12f6501c63e3551caa4df9bc4a05ffc5357060079b75badfd350d86",
        7774,
    ),
    _face_api(
        "age_gender.bin",
        "age_gender_model-shard1",
        "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
        429708,
    ),
)


FAIRFACE = WeightFile(
    name="age_gender.onnx",
    sources=(Url(address="https://github.com/yakhyo/fairface-onnx/releases/download/weights/fairface.onnx"),),
    sha256="9c8c47d437cd310538d233f2465f9ed0524cb7fb51882a37f74e8bc22437fdbf",
    license="CC-BY-4.0",
    origin="FairFace (ResNet-34) by Kimmo Karkkainen and Jungseock Joo, as ONNX by yakhyo",
)
