"""Declaration of human attribute recognition: request, response, profiles and resources."""

from typing import Annotated

import msgspec
from msgspec import Meta, field

from containers.face_detection.weight_files import MTCNN, TINY_XCEPTION, mediapipe_file
from containers.human_attribute_recognition import attributes
from containers.object_recognition.feature import NANODET
from serving.feature import Batching, Feature, Hub, Profile, Resources, WeightFile
from serving.images.boxes import BoundingBox, Ratio
from serving.images.intake import ImageRequest

LITE, STANDARD = "nanodet-g+blazepose+mtcnn+tinyxception/1", "nanodet-g+siglip2-base-patch16-224/1"

Percentage = Annotated[float, Meta(ge=0, le=100)]


class HumanAttributeRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by address or in base64."""

    language: Annotated[
        attributes.Language, Meta(description="Language of the labels: `zh` Chinese, `en` English.")
    ] = "zh"
    max_people: Annotated[
        int,
        Meta(ge=1, le=100, description="At most this many people, those with the highest `Confidence`."),
    ] = 20
    min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="People with a lower `Confidence` are left out.")
    ] = 0.5
    detail: Annotated[
        bool, Meta(description="True adds `detail` to each person: how every attribute was judged.")
    ] = False


def _field(attribute: attributes.Attribute) -> tuple[str, object]:
    chinese, english = (" · ".join(attribute.labels(language)) for language in ("zh", "en"))
    text = f"Percentages that sum to 100. Labels: {chinese}; with `language: en`: {english}."
    return attribute.key, Annotated[dict[str, Percentage], Meta(description=text)]


Person = msgspec.defstruct(
    "Person",
    [
        *map(_field, attributes.ATTRIBUTES),
        ("bounding_box", BoundingBox, field(name="BoundingBox")),
        (
            "confidence",
            Annotated[Ratio, Meta(description="The detector's score that this is a person, 0 to 1.")],
            field(name="Confidence"),
        ),
        (
            "detail",
            Annotated[
                dict[str, str] | None,
                Meta(description="For each attribute, in English, how it was judged. Only with `detail`."),
            ],
            None,
        ),
    ],
    frozen=True,
    omit_defaults=True,
    module=__name__,
    namespace={"__doc__": "A person, with percentages for the labels of every attribute."},
)


class HumanAttributes(msgspec.Struct, frozen=True):
    """The people in the image and their attributes."""

    labels: Annotated[
        list[Person],  # type: ignore[valid-type]  # the struct is built from the table at import
        Meta(description="The people, highest `Confidence` first. An empty list when nobody is found."),
    ] = field(name="Labels")
    version: Annotated[str, Meta(description="Identifies the networks that produced the response.")] = field(
        name="LabelModelVersion"
    )


def _siglip2(file: str) -> WeightFile:
    return WeightFile(
        name=f"siglip2/{file}",
        sources=(Hub(repository="google/siglip2-base-patch16-224", path=file),),
        license="Apache-2.0",
        origin="SigLIP 2 base, patches of 16 px, 224 px, by Google",
    )


CONFIG, NETWORK, TOKENIZER = (
    _siglip2(file) for file in ("config.json", "model.safetensors", "tokenizer.json")
)

POSE = WeightFile(
    name="pose_landmark_full.tflite",
    sources=(mediapipe_file("pose_landmark/pose_landmark_full.tflite"),),
    sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    size=6440512,
    license="Apache-2.0",
    origin="BlazePose GHUM, 33 points of a body, by MediaPipe (Google)",
    commercial_use="yes",
)

PROFILES = {
    "lite": Profile(
        files=(*NANODET, POSE, *MTCNN, *TINY_XCEPTION),
        summary="NanoDet-g, BlazePose, MTCNN and TinyXception, for CPUs. Rules judge what the networks find.",
        verified=True,
    ),
    "standard": Profile(
        files=(*NANODET, CONFIG, NETWORK, TOKENIZER),
        summary="NanoDet-g finds people. SigLIP 2 compares each person with sentences (zero-shot).",
        verified=False,
    ),
}

feature = Feature(
    module=__name__,
    feature_id="HumanAttributeRecognition",
    title="Human Attribute Recognition",
    title_zh="人体结构化属性",
    summary="Finds the people in an image and returns sixteen attributes of each, such as clothing and age.",
    request=HumanAttributeRequest,
    response=HumanAttributes,
    profiles=PROFILES,
    aliases=("human-attribute", "human_attribute"),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=4096, lambda_memory_mb=8192),
)
