"""The behaviour of a feature, in four steps: load, preprocess, predict (in batches) and postprocess."""

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
    """Behaviour of one feature. It is plain synchronous code; the runtime provides threads and batches."""

    media: Media = Media()
    """Reads the images of a request."""

    def configure(self, settings: Settings) -> None:
        """Adopts the settings on which requests depend. It is called once, before the first request."""
        self.media = Media.from_settings(settings)

    @classmethod
    @abstractmethod
    def load(cls, weights: "Weights", device: str) -> Self:
        """Builds the networks, once per process. device: "cpu", "cuda", "cuda:N" or "auto"."""

    @abstractmethod
    def preprocess(self, request: Req) -> In:
        """Turns one request into one model input. Raises `UnprocessableInput`. Calls run concurrently."""

    @abstractmethod
    def predict(self, batch: Sequence[In]) -> Sequence[Out]:
        """Returns one output for each of 1..max_size inputs, in order. Calls never run concurrently."""

    @abstractmethod
    def postprocess(self, output: Out, item: In) -> Res:
        """Turns one output and its input into the response. Calls run concurrently."""


def load_model(feature: "Feature", weights: "Weights", device: str) -> Model[Any, Any, Any, Any]:
    """Imports the feature's `model.py`, and torch with it, and loads the model."""
    model: type[Model[Any, Any, Any, Any]] = importlib.import_module(f"{feature.package}.model").Model
    return model.load(weights, device)
