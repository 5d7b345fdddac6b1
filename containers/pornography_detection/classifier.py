"""The classifier runs the network of the chosen profile and sums its classes."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, cast

import cv2
import numpy as np

from containers.pornography_detection.feature import (
    EVA02,
    INCEPTION_LIST,
    INCEPTION_NUMBERS,
    MOBILENET_LIST,
    MOBILENET_NUMBERS,
)
from serving.arrays import Doubles, Pixels
from serving.executor import Executor, compile
from serving.feature import WeightFile
from serving.weights import Weights
from serving.weights.array_cache import Arrays, cached_arrays

if TYPE_CHECKING:
    import torch


_BATCH = 8  # images for which the network is warmed up


class Kind(NamedTuple):
    """The properties of a network.

    side: pixels of its input. classes: its own classes, in its order, and the category that each counts as.
    """

    version: str
    side: int
    classes: dict[str, Literal["normal", "sexy", "porn"]]

    def total(self, category: str, probabilities: Doubles) -> float:
        """Sums the probabilities of the classes that count as the category; at most 1."""
        counted = [one == category for one in self.classes.values()]
        return min(1.0, float(probabilities[counted].sum()))


MOBILENET = Kind(
    version="nsfwjs-mobilenet-v2/1",
    side=224,
    classes={"drawing": "normal", "hentai": "porn", "neutral": "normal", "porn": "porn", "sexy": "sexy"},
)
INCEPTION = MOBILENET._replace(version="nsfwjs-inception-v3/1", side=299)
FREEPIK = Kind(
    version="freepik-eva02-base-448/1",
    side=448,
    classes={"neutral": "normal", "low": "sexy", "medium": "sexy", "high": "porn"},
)


class Classifier:
    """Classifies images. network: turns (N, 3, side, side) RGB in 0..1 into (N, classes) probabilities."""

    def __init__(self, network: Executor, kind: Kind) -> None:
        self.kind, self._network = kind, network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the network whose files the profile declares, compiled for the device."""
        kind = MOBILENET
        if EVA02.name in weights:
            kind = FREEPIK
        elif INCEPTION_LIST.name in weights:
            kind = INCEPTION
        sizes = [(count, 3, kind.side, kind.side) for count in (1, _BATCH)]
        network = compile(
            partial(_network, weights),
            np.zeros(sizes[0], np.float32),
            device=device,
            cache=weights.derived("moderation"),
            warm_up=sizes,
        )
        return cls(network, kind)

    def squeezed(self, image: Pixels) -> Pixels:
        """Squeezes an (H, W, 3) RGB image of any proportions to (side, side, 3)."""
        size = self.kind.side, self.kind.side
        return cast(Pixels, cv2.resize(image, size, interpolation=cv2.INTER_AREA))

    def classify(self, squares: Sequence[Pixels]) -> Doubles:
        """Returns the probabilities of (side, side, 3) RGB images, (N, classes). Each row sums to 1."""
        (found,) = self._network(cv2.dnn.blobFromImages(squares, 1 / 255))
        raw: Doubles = found.astype(np.float64)
        # the half floats of a GPU sum to 1 only to three decimals
        probabilities: Doubles = raw / raw.sum(axis=1, keepdims=True)
        return probabilities


def _network(weights: Weights) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    if EVA02.name in weights:
        from containers.pornography_detection.networks.eva02 import levels

        return levels(weights[EVA02.name])
    from containers.pornography_detection.importer import imported

    def state(name: str, *files: WeightFile) -> Arrays:
        file = weights.derived(f"{name}.safetensors")
        return cached_arrays(file, lambda: imported(*(weights[one.name] for one in files)))

    if INCEPTION_LIST.name in weights:
        from containers.pornography_detection.networks.inception_v3 import inception_v3

        return inception_v3(state("nsfw_inception_v3", INCEPTION_LIST, *INCEPTION_NUMBERS))
    from containers.pornography_detection.networks.mobilenet_v2 import mobilenet_v2

    return mobilenet_v2(state("nsfw_mobilenet_v2", MOBILENET_LIST, MOBILENET_NUMBERS))
