"""Age and gender of faces."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.face_detection import landmarks
from containers.face_detection.crops import Square, batches
from containers.face_detection.detection import Face
from containers.face_detection.weight_files import FAIRFACE, TINY_XCEPTION
from serving.arrays import Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

EYES_TO_MOUTH = 0.45  # of the square's side, as face-api.js cuts faces
CENTRE = 0.07  # of the side, from the middle of eyes and mouth down to the square's


class Person(NamedTuple):
    """age: years, from 0. male: probability."""

    age: float
    male: float


class AgeGender:
    """network: (N, 3, size, size) RGB in 0..255 -> (N, 2) age and probability of male.

    cut: what of a face it is shown.
    """

    def __init__(self, network: Executor, size: int, cut: Callable[[Face], Square]) -> None:
        self._network, self._size, self._cut = network, size, cut

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """TinyXception, or where it is not declared FairFace."""
        manifest, numbers = (weights.get(file.name) for file in TINY_XCEPTION)
        if manifest and numbers:
            network, size, cut = partial(_tiny, manifest, numbers), 112, square
        else:
            network, size, cut = partial(_fairface, weights[FAIRFACE.name]), 224, landmarks.square
        example = np.zeros((2, 3, size, size), np.float32)
        cache = weights.derived("age_gender")
        return cls(compile(network, example, device=device, cache=cache), size, cut)

    def of(self, faces: Sequence[tuple[Pixels, Face]]) -> list[Person]:
        """One of each face in its image."""
        crops = (self._cut(face).crop(image, self._size) for image, face in faces)
        found = self._network.map(batches(crops), lambda outputs: outputs[0].tolist())
        return [Person(max(0.0, age), male) for batch in found for age, male in batch]


def square(face: Face) -> Square:
    """What TinyXception wants: the distance from eyes to mouth a fixed part, upright like the image."""
    eyes, mouth = face.points[:2], face.points[3:].mean(axis=0)
    side = float(np.linalg.norm(eyes - mouth, axis=1).mean()) / EYES_TO_MOUTH
    middle = (eyes.sum(axis=0) + mouth) / 3
    return Square(middle + np.array((0, CENTRE * side), np.float32), max(1.0, side))


def _tiny(manifest: Path, numbers: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.face_detection.networks.tiny_xception import tiny_xception

    return tiny_xception(manifest, numbers)


def _fairface(file: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.face_detection.networks.fairface import fairface

    return fairface(file)
