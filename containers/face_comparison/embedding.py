"""Alignment and embedding of faces.

The network turns an aligned face into a vector of length 1. Vectors of the same person are close.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import cv2
import numpy as np

from containers.face_comparison.feature import AURAFACE, MOBILEFACE
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

SIDE = 112  # of an aligned face, in pixels
TEMPLATE: Floats = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    np.float32,
)
"""The place of five points in an aligned face, (5, 2) x and y, from ArcFace (https://arxiv.org/abs/1801.07698).

Their order: eyes (the one on the left of the image first), nose, mouth corners.
"""
_BATCH = 16  # faces; each goes through the network twice


class Kind(NamedTuple):
    """An embedding network, and the logistic curve that maps a cosine to a similarity.

    file: name of the weight file. dimensions: length of the vector. slope: of the curve.
    boundary: the cosine at which the same person and two different people are equally likely.
    """

    file: str
    version: str
    dimensions: int
    boundary: float
    slope: float

    def similarity(self, cosine: float) -> float:
        """Returns 0 to 1, rising with the cosine; 0.5 at the boundary."""
        return float(1 / (1 + np.exp(-self.slope * (cosine - self.boundary))))


KINDS = {
    "lite": Kind(MOBILEFACE.name, "retinaface-mobilenet0.25+mobileface-v2/1", 256, 0.25, 22.0),
    "standard": Kind(AURAFACE.name, "retinaface-resnet50+auraface-v1/1", 512, 0.3, 22.0),
}
"""The network of each profile.

benchmarks/face_pairs.py fits the curve of `lite`. The curve of `standard` is assumed.
"""


class FaceEmbedder:
    """Turns aligned faces into vectors. network: (N, 3, 112, 112) float32 RGB in 0..255 -> (N, D)."""

    def __init__(self, network: Executor, kind: Kind) -> None:
        self._network, self.kind = network, kind

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the embedder of the weights' profile, compiled for the device."""
        kind = KINDS[weights.profile]
        network = compile(
            partial(_network, weights[kind.file]),
            np.zeros((2, 3, SIDE, SIDE), np.float32),
            device=device,
            cache=weights.derived("embedding"),
            warm_up=[(2 * count, 3, SIDE, SIDE) for count in (1, 2, 4, _BATCH)],
        )
        return cls(network, kind)

    def embed(self, faces: Sequence[Pixels]) -> list[Floats]:
        """Returns a (D,) vector of length 1 for every (112, 112, 3) aligned face.

        It is the mean direction of the face's embedding and that of its mirror image.
        """
        batches = (faces[start : start + _BATCH] for start in range(0, len(faces), _BATCH))
        found = self._network.map(map(network_input, batches), lambda outputs: _mean_direction(outputs[0]))
        return [vector for batch in found for vector in batch]


def align(image: Pixels, points: Floats) -> Pixels:
    """Returns the face in an (H, W, 3) image, rotated, scaled and moved so that its points lie on `TEMPLATE`.

    The face is (112, 112, 3), and black where it reaches beyond the image.
    points: (5, 2) x and y in pixels, in the order of `TEMPLATE`.
    """
    matrix = similarity_transform(points, TEMPLATE)
    # A much larger face is cut out at a multiple of the side and then averaged down, to avoid aliasing.
    factor = max(1, int(1 / np.hypot(*matrix[:, 0])))
    matrix = factor * matrix
    matrix[:, 2] += (factor - 1) / 2  # OpenCV's coordinates refer to the centres of pixels
    side = factor * SIDE
    face = cv2.warpAffine(image, matrix, (side, side))
    return np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def similarity_transform(source: Floats, target: Floats) -> Floats:
    """Returns the (2, 3) rotation, scale and shift that map (N, 2) points to a target, in least squares.

    This is Umeyama's solution (https://doi.org/10.1109/34.88573) for the plane. With the points as complex
    numbers it is one linear fit, target = a * source + b, which cannot mirror. The source points must not all
    be the same.
    """
    points, wanted = (pairs.astype(np.float64) @ (1, 1j) for pairs in (source, target))
    centred = points - points.mean()
    a = np.vdot(centred, wanted) / np.vdot(centred, centred).real
    b = wanted.mean() - a * points.mean()
    return np.array([(a.real, -a.imag, b.real), (a.imag, a.real, b.imag)], np.float32)


def network_input(faces: Sequence[Pixels]) -> Floats:
    """Returns (2 N, 3, 112, 112): N faces, then their mirror images."""
    array = np.stack(faces).transpose(0, 3, 1, 2).astype(np.float32)
    return np.concatenate((array, array[..., ::-1]))


def _mean_direction(vectors: Floats) -> Floats:
    """Returns (N, D) vectors of length 1 from the (2 N, D) vectors of N faces and of their mirror images."""
    summed = vectors[: len(vectors) // 2] + vectors[len(vectors) // 2 :]
    return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _network(file: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    if file.suffix == ".onnx":
        from containers.face_comparison.networks.auraface import auraface

        return auraface(file)
    from containers.face_comparison.networks.mobileface import mobileface

    return mobileface(file)
