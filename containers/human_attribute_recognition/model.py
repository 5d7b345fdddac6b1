"""The model of human attribute recognition: finds the people of an image and recognises their attributes."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Language
from containers.human_attribute_recognition.feature import (
    LITE,
    POSE,
    STANDARD,
    HumanAttributeRequest,
    HumanAttributes,
)
from containers.human_attribute_recognition.feature import Person as PersonResponse
from containers.human_attribute_recognition.lite import LiteRecogniser
from containers.human_attribute_recognition.people import Limits, Person
from containers.human_attribute_recognition.siglip.recogniser import Recogniser
from serving.arrays import Pixels
from serving.images.boxes import bounding_box
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB, and the options of its request."""

    image: Pixels
    limits: Limits
    language: Language
    detail: bool


class Model(Base[HumanAttributeRequest, Item, list[Person], HumanAttributes]):
    """Recognises the attributes of the people in images."""

    def __init__(self, recogniser: LiteRecogniser | Recogniser, version: str) -> None:
        self._recogniser, self._version = recogniser, version

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        if POSE.name in weights:
            return cls(LiteRecogniser.load(weights, device), LITE)
        return cls(Recogniser.load(weights, device), STANDARD)

    def preprocess(self, request: HumanAttributeRequest) -> Item:
        limits = Limits(request.max_people, request.min_confidence)
        return Item(self.media.of(request), limits, request.language, request.detail)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Person]]:
        return self._recogniser.recognise([item.image for item in batch], [item.limits for item in batch])

    def postprocess(self, output: list[Person], item: Item) -> HumanAttributes:
        return HumanAttributes([_response(person, item) for person in output], self._version)


def _response(person: Person, item: Item) -> PersonResponse:  # type: ignore[valid-type]
    attributes = {
        one.key: dict(zip(one.labels(item.language), scores, strict=True))
        for one, scores in zip(ATTRIBUTES, person.scores, strict=True)
    }
    keys = [one.key for one in ATTRIBUTES]
    return PersonResponse(
        **attributes,
        bounding_box=bounding_box(person.box, item.image.shape),
        confidence=person.score,
        detail=dict(zip(keys, person.details, strict=True)) if item.detail else None,
    )
