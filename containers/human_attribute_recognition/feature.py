"""Human attribute recognition: where the people of an image are, and sixteen attributes of each."""

from typing import Annotated

import msgspec
from msgspec import Meta, field

from containers.human_attribute_recognition import attributes
from containers.human_attribute_recognition.weight_files import CONFIG, NETWORK, TOKENIZER
from containers.object_recognition.weight_files import FASTESTDET
from serving.feature import Batching, Feature, Profile, Resources
from serving.images.boxes import BoundingBox, Ratio
from serving.images.intake import ImageRequest

LABEL_MODEL_VERSION = "fastestdet+siglip2-base-patch16-224/1"

Percentage = Annotated[float, Meta(ge=0, le=100)]


class HumanAttributeRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image by address or in base64."""

    language: Annotated[
        attributes.Language, Meta(description="Of the labels: `zh` gives Chinese ones, `en` English ones.")
    ] = "zh"
    max_people: Annotated[int, Meta(ge=1, le=100, description="The surest so many people are told.")] = 20
    min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="People found with less `Confidence` are left out.")
    ] = 0.5


def _field(attribute: attributes.Attribute) -> tuple[str, object]:
    chinese, english = (" · ".join(attribute.labels(language)) for language in ("zh", "en"))
    text = f"Percentages that sum to 100: {chinese}; with `language: en` {english}."
    return attribute.key, Annotated[dict[str, Percentage], Meta(description=text)]


Person = msgspec.defstruct(
    "Person",
    [
        *map(_field, attributes.ATTRIBUTES),
        ("bounding_box", BoundingBox, field(name="BoundingBox")),
        (
            "confidence",
            Annotated[Ratio, Meta(description="How sure it is that this is a person, 0 to 1.")],
            field(name="Confidence"),
        ),
    ],
    frozen=True,
    module=__name__,
    namespace={"__doc__": "A person, and what is true of them in percent, by attribute and label."},
)


class HumanAttributes(msgspec.Struct, frozen=True):
    """The people of the image."""

    labels: Annotated[
        list[Person],  # type: ignore[valid-type]  # made of the table at import
        Meta(description="People, the surest first; an empty list where there is nobody."),
    ] = field(name="Labels")
    version: Annotated[str, Meta(description="The networks and their weights.")] = field(
        name="LabelModelVersion", default=LABEL_MODEL_VERSION
    )


PROFILES = {
    "standard": Profile(
        files=(FASTESTDET, CONFIG, NETWORK, TOKENIZER),
        summary="FastestDet finds people; SigLIP 2 compares each with sentences, without training of ours.",
        verified=False,
    ),
}

feature = Feature(
    module=__name__,
    feature_id="HumanAttributeRecognition",
    title="Human Attribute Recognition",
    title_zh="人体结构化属性",
    summary="Finds the people of an image and tells sixteen attributes of each, such as clothing and age.",
    request=HumanAttributeRequest,
    response=HumanAttributes,
    profiles=PROFILES,
    aliases=("human-attribute", "human_attribute"),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=4096, lambda_memory_mb=8192),
)
