"""Age and gender of faces, by FaceRes, TinyXception or FairFace."""

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.face_detection import landmarks
from containers.face_detection.crops import Square, batches
from containers.face_detection.detection import Face
from containers.face_detection.weight_files import FACERES, FAIRFACE, TINY_XCEPTION
from serving.arrays import Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

UPRIGHT = landmarks.square
# The crop of face-api.js, in shares of the square's side:
EYES_TO_MOUTH = 0.45  # distance from the eyes to the mouth
CENTRE = 0.07  # distance from the mean of eyes and mouth down to the centre of the square


class Person(NamedTuple):
    """The age and gender of a face. age: years, at least 0. male: probability, 0 to 1."""

    age: float
    male: float


class AgeGender:
    """Estimates the age and gender of faces.

    network: (N, 3, size, size) RGB in 0..255 -> (N, 2) age in years and probability of male.
    square_of: returns the square around a face that the network sees.
    """

    def __init__(self, network: Executor, size: int, square_of: Callable[[Face], Square]) -> None:
        self._network, self._size, self._square_of = network, size, square_of

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the network that the profile declares."""
        if FAIRFACE.name in weights:
            network, size, square_of = partial(_network, "fairface", weights[FAIRFACE.name]), 224, UPRIGHT
        elif FACERES[0].name in weights:
            files = (weights[file.name] for file in FACERES)
            network, size, square_of = partial(_network, "faceres", *files), 224, UPRIGHT
        else:
            files = (weights[file.name] for file in TINY_XCEPTION)
            network, size, square_of = partial(_network, "tiny_xception", *files), 112, square
        example = np.zeros((2, 3, size, size), np.float32)
        cache = weights.derived("age_gender")
        return cls(compile(network, example, device=device, cache=cache), size, square_of)

    def estimate(self, faces: Sequence[tuple[Pixels, Face]]) -> list[Person]:
        """Returns the age and gender of each face. faces: each with the (H, W, 3) RGB image that shows it."""
        crops = (self._square_of(face).crop(image, self._size) for image, face in faces)
        found = self._network.map(batches(crops), lambda outputs: outputs[0].tolist())
        return [Person(max(0.0, age), male) for batch in found for age, male in batch]


def square(face: Face) -> Square:
    """Returns the square that TinyXception expects. Its sides are parallel to those of the image.

    The distance from eyes to mouth is a fixed share of its side.
    """
    eyes, mouth = face.points[:2], face.points[3:].mean(axis=0)
    side = float(np.linalg.norm(eyes - mouth, axis=1).mean()) / EYES_TO_MOUTH
    middle = (eyes.sum(axis=0) + mouth) / 3
    return Square(middle + np.array((0, CENTRE * side), np.float32), max(1.0, side))


def _network(name: str, *files: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    module = importlib.import_module(f"containers.face_detection.networks.{name}")
    network: torch.nn.Module = getattr(module, name)(*files)
    return network
