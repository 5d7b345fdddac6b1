"""The model of pornography detection answers requests with the classifier."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from msgspec import UNSET

from containers.pornography_detection.classifier import Classifier
from containers.pornography_detection.feature import Moderation, ModerationRequest
from serving.arrays import Doubles, Pixels
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """A prepared request. square: (side, side, 3) uint8 RGB."""

    square: Pixels
    detail: bool


class Model(Base[ModerationRequest, Item, Doubles, Moderation]):
    """Answers requests. An output holds the probabilities of the network's own classes, in their order."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Classifier.load(weights, device))

    def preprocess(self, request: ModerationRequest) -> Item:
        return Item(self._classifier.squeezed(self.media.of(request)), request.detail)

    def predict(self, batch: Sequence[Item]) -> Sequence[Doubles]:
        return list(self._classifier.classify([item.square for item in batch]))

    def postprocess(self, output: Doubles, item: Item) -> Moderation:
        kind = self._classifier.kind
        return Moderation(
            normal=kind.total("normal", output),
            sexy=kind.total("sexy", output),
            porn=kind.total("porn", output),
            classes=dict(zip(kind.classes, output.tolist(), strict=True)) if item.detail else UNSET,
            model_version=kind.version if item.detail else UNSET,
        )
