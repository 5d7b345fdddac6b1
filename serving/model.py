"""What a feature does: four steps, the middle one batched."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .images.intake import Media
from .settings import Settings

if TYPE_CHECKING:
    from .feature import Feature
    from .weights.store import Weights

Req = TypeVar("Req")
In = TypeVar("In")
Out = TypeVar("Out")
Res = TypeVar("Res")


class Model(ABC, Generic[Req, In, Out, Res]):
    """Behaviour of one feature. Plain synchronous code: threads and batches are the runtime's."""

    media: Media = Media()
    """Reads the images a request names."""

    def configure(self, settings: Settings) -> None:
        """Take from the container's settings what requests depend on. Called once, before the first."""
        self.media = Media.from_settings(settings)

    @classmethod
    @abstractmethod
    def load(cls, weights: "Weights", device: str) -> Self:
        """Build the networks once per process. device: "cpu", "cuda", "cuda:N" or "auto"."""

    @abstractmethod
    def preprocess(self, request: Req) -> In:
        """Turn one request into one model input. Raises `UnprocessableInput`. Runs concurrently."""

    @abstractmethod
    def predict(self, batch: Sequence[In]) -> Sequence[Out]:
        """Run the networks on 1..max_size inputs; outputs keep length and order. Never concurrent."""

    @abstractmethod
    def postprocess(self, output: Out, item: In) -> Res:
        """Turn one output, and the input it answers, into the response. Runs concurrently."""


def load_model(feature: "Feature", weights: "Weights", device: str) -> Model[Any, Any, Any, Any]:
    """Import the feature's `model.py`, where torch enters, and load it."""
    model: type[Model[Any, Any, Any, Any]] = importlib.import_module(f"{feature.package}.model").Model
    return model.load(weights, device)
