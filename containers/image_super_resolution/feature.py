"""The declaration of image super-resolution: it enlarges an image two or four times."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.feature import (
    Batching,
    Feature,
    Measured,
    Measurements,
    Profile,
    Resources,
    Url,
    WeightFile,
)
from serving.images.encoding import Format
from serving.images.intake import ImageRequest


class EnlargementRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image of at most 1920x1080 or 1080x1920 px, by address or in base64."""

    scale: Annotated[Literal[2, 4], Meta(description="Factor by which width and height grow.")] = 2
    face: Annotated[
        bool,
        Meta(description="Restore faces. No profile can do this yet: `true` is refused with status 422."),
    ] = False
    format: Annotated[
        Format,
        Meta(
            description="File format of the result. A large photograph as `png` exceeds the size limit of a "
            "reply (status 413). `webp` gives the smallest file. `jpeg` has no transparency: transparent "
            "parts become white."
        ),
    ] = "png"


class Enlarged(msgspec.Struct, frozen=True):
    """The reply: the enlarged image, upright."""

    result: Annotated[
        bytes,
        Meta(
            description="The enlarged image in base64, in the requested format. It keeps the transparency of "
            "the original, except as `jpeg`.",
            extra_json_schema={"contentMediaType": "image/png"},
        ),
    ]


_RLFN_COMMIT = "e95ba4a4916bb13d6348f7ee172827e2452e8a31"

RLFN = WeightFile(
    name="rlfn_x4.pth",
    sources=(
        Url(
            address="https://raw.githubusercontent.com/ofsoundof/NTIRE2022_ESR/"
            f"{_RLFN_COMMIT}/model_zoo/team04_rlfn.pth"
        ),
    ),
    sha256="ca81b7757708ce749ac3766589690db6c2729961d026c0137e7659924ec36622",
    size=1292283,
    license="MIT",
    origin="RLFN by ByteDance, first in runtime at NTIRE 2022; its training images (DIV2K) are for "
    "academic use",
)


def _real_esrgan(scale: int, release: str, sha256: str, size: int) -> WeightFile:
    name = f"RealESRGAN_x{scale}plus.pth"
    return WeightFile(
        name=name,
        sources=(Url(address=f"https://github.com/xinntao/Real-ESRGAN/releases/download/{release}/{name}"),),
        sha256=sha256,
        size=size,
        license="BSD-3-Clause",
        origin=f"Real-ESRGAN x{scale} by Xintao Wang et al.; its training images (DIV2K, Flickr2K and "
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

feature = Feature(
    module=__name__,
    feature_id="ImageSuperResolution",
    title="Image Super Resolution",
    title_zh="图像超分辨率",
    summary="Enlarges images two or four times, with sharper results than interpolation.",
    request=EnlargementRequest,
    response=Enlarged,
    profiles={
        "lite": Profile(
            files=(RLFN,),
            summary="RLFN, for CPUs. Stays close to the original image and invents little detail.",
            verified=True,
        ),
        "standard": Profile(
            files=tuple(REAL_ESRGAN.values()),
            summary="Real-ESRGAN, for GPUs. Also removes noise and compression artefacts from photographs.",
            verified=False,
        ),
    },
    aliases=("super-resolution",),
    # An image of 1920x1080 px keeps two cores busy for half a minute. Two of them nearly reach the timeout.
    batching=Batching(max_size=2, max_delay_ms=5, max_queue=8),
    resources=Resources(memory_mb=4096, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=4.2,
            input="an image of 640×480 px, scale 2, without decoding and encoding",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="containers/image_super_resolution/README.md",
        )
    ),
)
