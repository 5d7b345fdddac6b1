"""The model of object recognition finds objects by name and groups them for the reply."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.object_recognition.dfine import DFine
from containers.object_recognition.feature import MIN_CONFIDENCE, Instance, Label, ObjectRequest, Objects
from containers.object_recognition.nanodet import NanoDet
from containers.object_recognition.open_vocabulary import OpenVocabulary
from containers.object_recognition.recogniser import CocoRecogniser, FoundObject, Query, Recogniser
from serving.arrays import Pixels
from serving.images.boxes import bounding_box
from serving.model import Model as Base
from serving.weights import Weights

VERSIONS = {
    "lite": "nanodet-g-coco80/1",
    "dfine": "dfine-n-coco80/1",
    "standard": "owlv2-base-patch16-ensemble/1",
}


class Item(NamedTuple):
    """A prepared request. image: (H, W, 3) uint8 RGB."""

    image: Pixels
    query: Query
    max_labels: int


class Model(Base[ObjectRequest, Item, list[FoundObject], Objects]):
    """Answers requests with the recogniser of a profile."""

    def __init__(self, recogniser: Recogniser, profile: str) -> None:
        self._recogniser, self._profile = recogniser, profile

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        recogniser: Recogniser
        match weights.profile:
            case "standard":
                recogniser = OpenVocabulary.load(weights, device)
            case "dfine":
                recogniser = CocoRecogniser(DFine.load(weights, device), "dfine")
            case profile:
                recogniser = CocoRecogniser(NanoDet.load(weights, device), profile)
        return cls(recogniser, weights.profile)

    def preprocess(self, request: ObjectRequest) -> Item:
        names = tuple(dict.fromkeys(request.labels or self._recogniser.known))
        self._recogniser.check(names)
        confidence = request.min_confidence
        if confidence is None:
            confidence = MIN_CONFIDENCE[self._profile]
        return Item(self.media.of(request), Query(names, confidence / 100), request.max_labels)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[FoundObject]]:
        return self._recogniser.find([item.image for item in batch], [item.query for item in batch])

    def postprocess(self, output: list[FoundObject], item: Item) -> Objects:
        instances: dict[str, list[Instance]] = {}
        for found in output:  # sorted by score, so the labels and their instances are sorted too
            instances.setdefault(found.name, []).append(_instance(found, item.image.shape))
        labels = [Label(name, found[0].confidence, found) for name, found in instances.items()]
        return Objects(labels[: item.max_labels], VERSIONS[self._profile])


def _instance(found: FoundObject, shape: tuple[int, ...]) -> Instance:
    return Instance(bounding_box(found.box, shape), min(100.0, round(100 * found.score, 2)))
