"""The weight files of the face networks. Other features that detect faces declare some of them too."""

from serving.feature import PackageFile, Url, WeightFile

_GITHUB = "https://raw.githubusercontent.com"

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


def _mtcnn(name: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=f"{name}.pt",
        sources=(PackageFile("pip", "facenet-pytorch", "2.6.0", f"facenet_pytorch/data/{name}.pt"),),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="MTCNN by Kaipeng Zhang et al., for torch by Tim Esler; trained on WIDER FACE and CelebA, "
        "data sets for research",
    )


def mediapipe_file(member: str) -> PackageFile:
    """Returns a file of MediaPipe's modules."""
    path = f"mediapipe/modules/{member}"
    return PackageFile("pip", "mediapipe", "0.10.21", path, platform="manylinux_2_28_x86_64")


FACEMESH = WeightFile(
    name="face_landmark.tflite",
    sources=(mediapipe_file("face_landmark/face_landmark.tflite"),),
    sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    size=1242398,
    license="Apache-2.0",
    origin="FaceMesh by MediaPipe (Google)",
    commercial_use="yes",
)
PNET, RNET, ONET = (
    _mtcnn("pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28570),
    _mtcnn("rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403147),
    _mtcnn("onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1559269),
)
MTCNN = PNET, RNET, ONET, FACEMESH
"""The networks of MTCNN, and FaceMesh, which confirms their faces."""


def _age_gender(suffix: str, member: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=f"age_gender.{suffix}",
        sources=(
            PackageFile("npm", "@vladmandic/face-api", "1.7.15", f"package/model/age_gender_model{member}"),
        ),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="TinyXception for age and gender, by face-api.js; trained on UTKFace, FGNET, Chalearn, Wiki, "
        "IMDB, CACD, MegaAge and MegaAge-Asian, data sets for research",
    )


TINY_XCEPTION = (
    _age_gender(
        "json",
        "-weights_manifest.json",
        "74b60bf3ebf981bf4e661e9cca3a185614e10b25d797118b62e2a68d3ff2569f",
        8392,
    ),
    _age_gender("bin", ".bin", "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa", 429708),
)


def _faceres(suffix: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=f"faceres.{suffix}",
        sources=(PackageFile("npm", "@vladmandic/human", "3.3.6", f"package/models/faceres.{suffix}"),),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="FaceRes for age and gender by Andrey Savchenko (Apache-2.0), as TensorFlow.js by Vladimir "
        "Mandic; trained on VGGFace2 and IMDB-Wiki, data sets for research",
    )


FACERES = (
    _faceres("json", "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df", 71432),
    _faceres("bin", "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b", 6978814),
)
FAIRFACE = WeightFile(
    name="age_gender.onnx",
    sources=(Url(address="https://github.com/yakhyo/fairface-onnx/releases/download/weights/fairface.onnx"),),
    sha256="9c8c47d437cd310538d233f2465f9ed0524cb7fb51882a37f74e8bc22437fdbf",
    license="CC-BY-4.0",
    origin="FairFace (ResNet-34) by Kimmo Karkkainen and Jungseock Joo, as ONNX by yakhyo",
)
