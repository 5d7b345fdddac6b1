"""The model of human attribute recognition: finds the people of an image and recognises their attributes."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Language
from containers.human_attribute_recognition.feature import HumanAttributeRequest, HumanAttributes
from containers.human_attribute_recognition.feature import Person as PersonResponse
from containers.human_attribute_recognition.recogniser import Limits, Person, Recogniser
from serving.arrays import Pixels
from serving.images.boxes import bounding_box
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB, and the options of its request."""

    image: Pixels
    limits: Limits
    language: Language


class Model(Base[HumanAttributeRequest, Item, list[Person], HumanAttributes]):
    """Recognises the attributes of the people in images."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Recogniser.load(weights, device))

    def preprocess(self, request: HumanAttributeRequest) -> Item:
        limits = Limits(request.max_people, request.min_confidence)
        return Item(self.media.of(request), limits, request.language)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Person]]:
        return self._recogniser.recognise([item.image for item in batch], [item.limits for item in batch])

    def postprocess(self, output: list[Person], item: Item) -> HumanAttributes:
        return HumanAttributes([_response(person, item.language, item.image.shape) for person in output])


def _response(person: Person, language: Language, shape: tuple[int, ...]) -> PersonResponse:  # type: ignore[valid-type]
    attributes = {
        one.key: dict(zip(one.labels(language), scores, strict=True))
        for one, scores in zip(ATTRIBUTES, person.scores, strict=True)
    }
    return PersonResponse(**attributes, bounding_box=bounding_box(person.box, shape), confidence=person.score)
