"""The pinned files of trained parameters, importable without torch."""

from serving.feature import Url, WeightFile

_RLFN_COMMIT = "e95ba4a4916bb13d6348f7ee172827e2452e8a31"

RLFN = WeightFile(
    name="rlfn_x4.pth",
    source=Url(
        address="https://raw.githubusercontent.com/ofsoundof/NTIRE2022_ESR/"
        f"{_RLFN_COMMIT}/model_zoo/team04_rlfn.pth"
    ),
    sha256="ca81b7757708ce749ac3766589690db6c2729961d026c0137e7659924ec36622",
    size=1292283,
    license="MIT",
    origin="RLFN by ByteDance, first in runtime at NTIRE 2022; its training pictures (DIV2K) are for "
    "academic use",
)


def _real_esrgan(scale: int, release: str, sha256: str, size: int) -> WeightFile:
    file = f"RealESRGAN_x{scale}plus.pth"
    return WeightFile(
        name=file,
        source=Url(address=f"https://github.com/xinntao/Real-ESRGAN/releases/download/{release}/{file}"),
        sha256=sha256,
        size=size,
        license="BSD-3-Clause",
        origin=f"Real-ESRGAN x{scale} by Xintao Wang et al.; its training pictures (DIV2K, Flickr2K and "
        "others) are for academic use",
    )


REAL_ESRGAN = {
    2: _real_esrgan(
        2, "v0.2.1", "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb", 67061725
    ),
    4: _real_esrgan(
        4, "v0.1.0", "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1", 67040989
    ),
}
