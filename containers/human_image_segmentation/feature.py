"""Human image segmentation: how much of every pixel people cover, or the people alone."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from containers.face_detection.weight_files import RETINAFACE
from containers.human_image_segmentation.weight_files import MODNET, SINET
from containers.object_recognition.feature import FASTESTDET
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources
from serving.images.intake import ImageRequest


class SegmentationRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image by address or in base64, and what is wanted of it."""

    type: Annotated[
        Literal["", "foreground"],
        Meta(
            description="Empty: the matte, where white is a person and black is not. `foreground`: the "
            "people in their own colours on a transparent ground."
        ),
    ] = ""
    format: Annotated[
        Literal["png", "webp"],
        Meta(description="Of `foreground`: `webp` is smaller by far, and its colours are not exact."),
    ] = "png"


class CutOut(msgspec.Struct, frozen=True):
    """An image as large as the one that was sent, upright."""

    result: Annotated[
        bytes,
        Meta(
            description="In base64: a greyscale PNG of 8 bits, or for `foreground` an RGBA PNG or WebP. All "
            "zero where nobody is found.",
            extra_json_schema={"contentMediaType": "image/png"},
        ),
    ]


feature = Feature(
    module=__name__,
    feature_id="HumanImageSegmentation",
    title="Human Image Segmentation",
    title_zh="智能人像分割",
    summary="Separates people from the background, as a soft matte or as a transparent image.",
    request=SegmentationRequest,
    response=CutOut,
    profiles={
        "lite": Profile(
            files=(SINET, FASTESTDET, RETINAFACE),
            summary="SINet around each person that FastestDet or RetinaFace finds, for CPUs.",
            verified=True,
        ),
        "standard": Profile(
            files=(MODNET, FASTESTDET, RETINAFACE),
            summary="MODNet, a matting network, in the place of SINet, for GPUs.",
            verified=False,
        ),
    },
    requires=("onnx2torch>=1.5",),
    aliases=("human-segmentation",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=4096, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=0.373,
            input="a matte, longest side 1280 px, with decoding and encoding",
            machine="2 shared cores at 2.5 GHz",
            date="2026-11-21",
            source="containers/human_image_segmentation/README.md",
        )
    ),
)
