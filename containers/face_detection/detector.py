"""Where the faces are: boxes, scores and five points, by RetinaFace."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from containers.face_detection.crops import Square
from containers.face_detection.detection import (
    COARSE,
    FINE,
    Face,
    faces,
    factors,
    likely,
    network_input,
    view,
)
from containers.face_detection.weight_files import RETINAFACE
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

__all__ = ["Face", "FaceDetector"]


SURE = 0.98  # a face below is looked at again
LOOKS = ((40, False), (64, True))  # width of the face in pixels, and whether mirrored
LOOK_SIZE = 160  # pixels of such a look
MAX_FACES = 200


class FaceDetector:
    """network: (1, 3, H, W) -> (1, A, 15), as `network.RetinaFace`.

    The score of a doubtful face is the geometric mean of three: wheels, petals and signs that resemble a face
    do so in one size only, or not in the mirror.
    """

    MIN_SCORE = 0.7

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The detector of a profile that declares `RETINAFACE` or `RETINAFACE_R50`."""
        sizes = [(960, FINE), (FINE, 960), (256, COARSE), (COARSE, 256), (LOOK_SIZE, LOOK_SIZE)]
        return cls(
            compile(
                partial(_network, weights[RETINAFACE.name]),
                np.zeros((1, 3, 64, 96), np.float32),
                device=device,
                cache=weights.derived("retinaface"),
                warm_up=[(1, 3, *size) for size in sizes],
            )
        )

    def detect(self, images: Sequence[Pixels], min_scores: Sequence[float] | None = None) -> list[list[Face]]:
        """Faces of every (H, W, 3) RGB image, best first, each once; 200 at most.

        min_scores: of each image; `MIN_SCORE` where there are none.
        """
        limits = min_scores or [self.MIN_SCORE] * len(images)
        scales = [factors(image) for image in images]
        views = (
            (view(image, scale), limit)
            for image, limit, each in zip(images, limits, scales, strict=True)
            for scale in each
        )
        found = iter(self._network.map_with(views, lambda outputs, limit: likely(outputs[0][0], limit)))
        first = [faces([next(found) for _ in each], each)[:MAX_FACES] for each in scales]
        scores = iter(self._final_scores(list(_pairs(images, first))))
        final = [[face._replace(score=next(scores)) for face in each] for each in first]
        return [
            sorted((face for face in each if face.score >= limit), key=lambda face: -face.score)
            for each, limit in zip(final, limits, strict=True)
        ]

    def _final_scores(self, found: Sequence[tuple[Pixels, Face]]) -> list[float]:
        doubtful = [index for index, (image, face) in enumerate(found) if _is_doubtful(image, face)]
        looks = (
            (network_input(_look(*found[index], width, mirrored=mirrored)), width)
            for index in doubtful
            for width, mirrored in LOOKS
        )
        again = iter(
            self._network.map_with(looks, lambda outputs, width: _best_in_the_middle(outputs[0][0], width))
        )
        scores = [face.score for _, face in found]
        for index in doubtful:
            scores[index] = math.prod((scores[index], *islice(again, len(LOOKS)))) ** (1 / (1 + len(LOOKS)))
        return scores


def _pairs(images: Sequence[Pixels], found: Sequence[Sequence[Face]]) -> Iterator[tuple[Pixels, Face]]:
    """Every face, and its image."""
    for image, faces_of_it in zip(images, found, strict=True):
        for face in faces_of_it:
            yield image, face


def _is_doubtful(image: Pixels, face: Face) -> bool:
    """Whether another look may tell: around a face that fills the image there is nothing to see."""
    return face.score < SURE and 2 * face.size < min(image.shape[:2])


def _look(image: Pixels, face: Face, width: int, *, mirrored: bool) -> Pixels:
    """The face in the middle of a square, `width` pixels wide or high."""
    crop = Square(face.centre, face.size * LOOK_SIZE / width).crop(image, LOOK_SIZE)
    return crop[:, ::-1] if mirrored else crop


def _best_in_the_middle(anchors: Floats, width: int) -> float:
    """The best score of a face of about that width in the middle of a look."""
    off = np.abs((anchors[:, :2] + anchors[:, 2:4]) / 2 - LOOK_SIZE / 2).max(axis=1)
    size = (anchors[:, 2:4] - anchors[:, :2]).max(axis=1)
    near = (off < 0.3 * width) & (size > 0.6 * width) & (size < 1.6 * width)
    return float(anchors[near, 4].max(initial=0))


def _network(weights: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.face_detection.networks.retinaface import retinaface

    return retinaface(weights)
