"""Alignment and embedding of faces.

The network turns an aligned face into a vector of length 1. Vectors of the same person are close.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import cv2
import numpy as np

from containers.face_comparison.feature import AURAFACE, RESNET29
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

_BATCH = 16  # faces; each goes through the network twice


class Crop(NamedTuple):
    """The picture of a face that a network wants.

    side: in pixels. template: the place of five points, (5, 2) x and y, in the order eyes (the one on the
    left of the image first), nose, mouth corners. border: OpenCV's mode for pixels beyond the image.
    """

    side: int
    template: Floats
    border: int


ARCFACE = Crop(
    112,
    np.array(
        [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
        np.float32,
    ),
    cv2.BORDER_CONSTANT,
)
"""The crop of ArcFace (https://arxiv.org/abs/1801.07698)."""

_PADDING = 0.2  # of the face's side, on each side of it
DLIB = Crop(
    150,
    np.array(
        [
            (x + _PADDING, y + _PADDING)
            for x, y in (
                *((0.22549, 0.21599), (0.75476, 0.21599), (0.490127, 0.515625)),
                *((0.254149, 0.780233), (0.726104, 0.780233)),
            )
        ],
        np.float32,
    )
    * (150 / (1 + 2 * _PADDING)),
    cv2.BORDER_REPLICATE,
)
"""The crop of dlib. It has 68 points; here are the centres of its eyes, tip of the nose and mouth corners."""


class Kind(NamedTuple):
    """An embedding network, and the logistic curve that maps a cosine to a similarity.

    files: names of the weight files. dimensions: length of the vector. boundary: the cosine at which the same
    person and two different people are equally likely. slope: of the curve.
    """

    files: tuple[str, ...]
    version: str
    crop: Crop
    dimensions: int
    boundary: float
    slope: float

    def similarity(self, cosine: float) -> float:
        """Returns 0 to 1, rising with the cosine; 0.5 at the boundary."""
        return float(1 / (1 + np.exp(-self.slope * (cosine - self.boundary))))


KINDS = {
    "lite": Kind(tuple(file.name for file in RESNET29), "mtcnn+dlib-resnet29/1", DLIB, 128, 0.91, 111.0),
    "standard": Kind((AURAFACE.name,), "retinaface-resnet50+auraface-v1/1", ARCFACE, 512, 0.3, 22.0),
}
"""The network of each profile.

benchmarks/face_pairs.py fits the curve of `lite`. The curve of `standard` is assumed.
"""


class FaceEmbedder:
    """Turns aligned faces into vectors.

    network: (N, 3, side, side) float32 RGB in 0..255 -> (N, D), with the side of the kind's crop.
    """

    def __init__(self, network: Executor, kind: Kind) -> None:
        self._network, self.kind = network, kind

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the embedder of the weights' profile, compiled for the device."""
        kind = KINDS[weights.profile]
        side = kind.crop.side
        network = compile(
            partial(_network, *(weights[name] for name in kind.files)),
            np.zeros((2, 3, side, side), np.float32),
            device=device,
            cache=weights.derived("embedding"),
            warm_up=[(2 * count, 3, side, side) for count in (1, 2, 4, _BATCH)],
        )
        return cls(network, kind)

    def embed(self, faces: Sequence[Pixels]) -> list[Floats]:
        """Returns a (D,) vector of length 1 for every (side, side, 3) aligned face.

        It is the mean direction of the face's embedding and that of its mirror image.
        """
        batches = (faces[start : start + _BATCH] for start in range(0, len(faces), _BATCH))
        found = self._network.map(map(network_input, batches), lambda outputs: _mean_direction(outputs[0]))
        return [vector for batch in found for vector in batch]


def align(image: Pixels, points: Floats, crop: Crop) -> Pixels:
    """Returns the face in an (H, W, 3) image, rotated, scaled and moved so that its points fit the template.

    The face is (side, side, 3). points: (5, 2) x and y in pixels, in the order of `Crop.template`.
    """
    matrix = similarity_transform(points, crop.template)
    # A much larger face is cut out at a multiple of the side and then averaged down, to avoid aliasing.
    factor = max(1, int(1 / np.hypot(*matrix[:, 0])))
    matrix = factor * matrix
    matrix[:, 2] += (factor - 1) / 2  # OpenCV's coordinates refer to the centres of pixels
    side = factor * crop.side
    face = cv2.warpAffine(image, matrix, (side, side), borderMode=crop.border)
    return np.asarray(cv2.resize(face, (crop.side, crop.side), interpolation=cv2.INTER_AREA), np.uint8)


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
    """Returns (2 N, 3, side, side): N faces, then their mirror images."""
    array = np.stack(faces).transpose(0, 3, 1, 2).astype(np.float32)
    return np.concatenate((array, array[..., ::-1]))


def _mean_direction(vectors: Floats) -> Floats:
    """Returns (N, D) vectors of length 1 from the (2 N, D) vectors of N faces and of their mirror images."""
    summed = vectors[: len(vectors) // 2] + vectors[len(vectors) // 2 :]
    return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _network(*files: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    if files[0].suffix == ".onnx":
        from containers.face_comparison.networks.auraface import auraface

        return auraface(*files)
    from containers.face_comparison.networks.resnet29 import resnet29

    return resnet29(*files)
