"""Object recognition: which things an image shows, and where."""

from typing import Annotated

import msgspec
from msgspec import Meta

from containers.object_recognition.weight_files import FASTESTDET, OWLV2, YOLOX_S
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources
from serving.images.boxes import BoundingBox
from serving.images.intake import ImageRequest

MIN_CONFIDENCE = {"lite": 40, "yolox": 30, "standard": 20}
"""By profile, as the networks' scores are not the same: found by eye for lite, customary for the others."""

Percentage = Annotated[float, Meta(ge=0, le=100)]


class ObjectRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image by address or in base64."""

    min_confidence: Annotated[
        Percentage | None,
        Meta(
            description="0 to 100; instances the network is less sure of are left out. "
            f"Default by profile: {', '.join(f'{name} {least}' for name, least in MIN_CONFIDENCE.items())}."
        ),
    ] = None
    max_labels: Annotated[int, Meta(ge=1, le=300, description="The surest so many classes are told.")] = 300
    labels: Annotated[
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=300)]
        | None,
        Meta(
            description="What to look for: some of the 300 names; with `standard` any English words. "
            "Default: all the names that the profile knows."
        ),
    ] = None


class Instance(msgspec.Struct, frozen=True, rename="pascal"):
    """One thing."""

    bounding_box: BoundingBox
    confidence: Percentage


class Label(msgspec.Struct, frozen=True, rename="pascal"):
    """A class and the things of it, surest first."""

    name: str
    confidence: Annotated[Percentage, Meta(description="That of the surest instance.")]
    instances: list[Instance]


class Objects(msgspec.Struct, frozen=True, rename="pascal"):
    """What the image shows."""

    labels: Annotated[list[Label], Meta(description="Surest first; an empty list where nothing is found.")]
    label_model_version: Annotated[str, Meta(description="The network and its weights.")]


PROFILES = {
    "lite": Profile(files=(FASTESTDET,), summary="FastestDet, for CPUs; 75 of the 300 names.", verified=True),
    "yolox": Profile(
        files=(YOLOX_S,),
        summary="YOLOX-S, for larger CPUs and GPUs; the same 75 names.",
        verified=False,
    ),
    "standard": Profile(
        files=OWLV2, summary="OWLv2 base, for GPUs; all 300 names, and any words.", verified=False
    ),
}

feature = Feature(
    module=__name__,
    feature_id="ObjectRecognition",
    title="Object Recognition",
    title_zh="通用物体识别",
    summary="Finds the things of an image by 300 names, and the box of each.",
    request=ObjectRequest,
    response=Objects,
    profiles=PROFILES,
    requires=("onnx2torch>=1.5.15",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=4096),
    measured=Measurements(
        cpu=Measured(
            seconds=0.019,
            input="a photograph of 300 px, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
