"""Image super-resolution: a picture enlarged two- or fourfold."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from containers.image_super_resolution.weight_files import REAL_ESRGAN, RLFN
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources
from serving.images.encoding import Format
from serving.images.intake import ImageRequest


class EnlargementRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture of at most 1920x1080 px, upright or lying, by address or in base64."""

    scale: Annotated[Literal[2, 4], Meta(description="How many times as wide and as high.")] = 2
    face: Annotated[
        bool,
        Meta(description="Restore faces. Not available in any profile yet: `true` is answered 422."),
    ] = False
    format: Annotated[
        Format,
        Meta(
            description="Of the reply. A large photograph as `png` is over what a reply may hold (413); "
            "`webp` is smallest. `jpeg` has no transparency: white shows through."
        ),
    ] = "png"


class Enlarged(msgspec.Struct, frozen=True):
    """The picture, upright, `scale` times as wide and as high as the one that was sent."""

    result: Annotated[
        bytes,
        Meta(
            description="In base64: a file in the format asked for, with the transparency of the picture.",
            extra_json_schema={"contentMediaType": "image/png"},
        ),
    ]


feature = Feature(
    module=__name__,
    feature_id="ImageSuperResolution",
    title="Image Super Resolution",
    title_zh="图像超分辨率",
    summary="Enlarges pictures two- or fourfold, sharper than interpolation does.",
    request=EnlargementRequest,
    response=Enlarged,
    profiles={
        "lite": Profile(
            files=(RLFN,),
            summary="RLFN, true to the picture, for CPUs; twofold is fourfold, halved.",
            verified=True,
        ),
        "standard": Profile(
            files=tuple(REAL_ESRGAN.values()),
            summary="Real-ESRGAN, which also cleans noise and compression off real photographs, for GPUs.",
            verified=False,
        ),
    },
    aliases=("super-resolution",),
    # A 1920x1080 picture keeps two cores busy for half a minute: two of them are near the deadline.
    batching=Batching(max_size=2, max_delay_ms=5, max_queue=8),
    resources=Resources(memory_mb=4096, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=4.2,
            input="640×480 px doubled, without decoding and encoding",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="containers/image_super_resolution/README.md",
        )
    ),
)
