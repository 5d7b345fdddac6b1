"""Human attribute recognition: the people of images behind the feature's request and reply."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Language
from containers.human_attribute_recognition.feature import HumanAttributeRequest, HumanAttributes
from containers.human_attribute_recognition.feature import Person as PersonReply
from containers.human_attribute_recognition.recogniser import Person, Recogniser, Wanted
from serving.arrays import Pixels
from serving.images.boxes import bounding_box
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB, and what to tell of it."""

    image: Pixels
    wanted: Wanted
    language: Language


class Model(Base[HumanAttributeRequest, Item, list[Person], HumanAttributes]):
    """Tells what the people of images look like, wear and do."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Recogniser.load(weights, device))

    def preprocess(self, request: HumanAttributeRequest) -> Item:
        wanted = Wanted(request.max_people, request.min_confidence)
        return Item(self.media.of(request), wanted, request.language)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Person]]:
        return self._recogniser.recognise([item.image for item in batch], [item.wanted for item in batch])

    def postprocess(self, output: list[Person], item: Item) -> HumanAttributes:
        return HumanAttributes([_reply(person, item.language, item.image.shape) for person in output])


def _reply(person: Person, language: Language, shape: tuple[int, ...]) -> PersonReply:  # type: ignore[valid-type]
    attributes = {
        one.key: dict(zip(one.labels(language), scores, strict=True))
        for one, scores in zip(ATTRIBUTES, person.scores, strict=True)
    }
    return PersonReply(**attributes, bounding_box=bounding_box(person.box, shape), confidence=person.score)
