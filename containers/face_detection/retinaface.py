"""RetinaFace finds faces and five points of each. https://arxiv.org/abs/1905.00641."""

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
from containers.face_detection.weight_files import RETINAFACE_R50
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

CERTAIN = 0.98  # a face with a lower score is checked again
CHECKS = ((40, False), (64, True))  # width of the face in pixels; True if the crop is mirrored
CHECK_SIZE = 160  # side of the crop for a check, in pixels
MAX_FACES = 200  # per image


class RetinaFaceDetector:
    """Finds faces. network: (1, 3, H, W) -> (1, A, 15), like `retinaface.RetinaFace`.

    The network checks a doubtful face twice more. Its final score is the geometric mean of the three scores.
    A wheel, petal or sign resembles a face only in one size, or not when mirrored.
    """

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the network of the file `RETINAFACE_R50`."""
        sizes = [(960, FINE), (FINE, 960), (256, COARSE), (COARSE, 256), (CHECK_SIZE, CHECK_SIZE)]
        return cls(
            compile(
                partial(_network, weights[RETINAFACE_R50.name]),
                np.zeros((1, 3, 64, 96), np.float32),
                device=device,
                cache=weights.derived("retinaface"),
                warm_up=[(1, 3, *size) for size in sizes],
            )
        )

    def detect(self, images: Sequence[Pixels], min_scores: Sequence[float]) -> list[list[Face]]:
        """Returns the faces of every (H, W, 3) RGB image, highest score first; at most `MAX_FACES` per image.

        min_scores: the minimum score for each image.
        """
        found = self._candidates(images, min_scores)
        scores = iter(self._final_scores(list(_pairs(images, found))))
        scored = [[face._replace(score=next(scores)) for face in each] for each in found]
        return [
            sorted((face for face in each if face.score >= limit), key=lambda face: -face.score)
            for each, limit in zip(scored, min_scores, strict=True)
        ]

    def _candidates(self, images: Sequence[Pixels], limits: Sequence[float]) -> list[list[Face]]:
        """Returns the faces of every image, with the scores that the network gave in the image's views."""
        scales = [factors(image) for image in images]
        views = (
            (view(image, scale), limit)
            for image, limit, each in zip(images, limits, scales, strict=True)
            for scale in each
        )
        rows = iter(self._network.map_with(views, lambda outputs, limit: likely(outputs[0][0], limit)))
        return [faces(list(islice(rows, len(each))), each)[:MAX_FACES] for each in scales]

    def _final_scores(self, found: Sequence[tuple[Pixels, Face]]) -> list[float]:
        """Returns the score of every face after its checks."""
        doubtful = [index for index, (image, face) in enumerate(found) if _is_doubtful(image, face)]
        crops = (
            (network_input(_check_crop(*found[index], width, mirrored=mirrored)), width)
            for index in doubtful
            for width, mirrored in CHECKS
        )
        checked = iter(
            self._network.map_with(crops, lambda outputs, width: _score_in_the_middle(outputs[0][0], width))
        )
        scores = [face.score for _, face in found]
        for index in doubtful:
            several = (scores[index], *islice(checked, len(CHECKS)))
            scores[index] = math.prod(several) ** (1 / len(several))
        return scores


def _pairs(images: Sequence[Pixels], found: Sequence[Sequence[Face]]) -> Iterator[tuple[Pixels, Face]]:
    """Yields every face together with its image."""
    for image, faces_of_it in zip(images, found, strict=True):
        for face in faces_of_it:
            yield image, face


def _is_doubtful(image: Pixels, face: Face) -> bool:
    """Tells whether a check can help. A face that fills the image has no surroundings to check it with."""
    return face.score < CERTAIN and 2 * face.size < min(image.shape[:2])


def _check_crop(image: Pixels, face: Face, width: int, *, mirrored: bool) -> Pixels:
    """Returns a square crop with the face in its middle. The face's longer side becomes `width` pixels."""
    crop = Square(face.centre, face.size * CHECK_SIZE / width).crop(image, CHECK_SIZE)
    return crop[:, ::-1] if mirrored else crop


def _score_in_the_middle(anchors: Floats, width: int) -> float:
    """Returns the highest score of a face of about `width` pixels in the middle of a check's crop, else 0."""
    off = np.abs((anchors[:, :2] + anchors[:, 2:4]) / 2 - CHECK_SIZE / 2).max(axis=1)
    size = (anchors[:, 2:4] - anchors[:, :2]).max(axis=1)
    near = (off < 0.3 * width) & (size > 0.6 * width) & (size < 1.6 * width)
    return float(anchors[near, 4].max(initial=0))


def _network(weights: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    from containers.face_detection.networks.retinaface import retinaface

    return retinaface(weights)
