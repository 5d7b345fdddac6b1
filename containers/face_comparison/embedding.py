"""From an aligned face to a vector of length 1, close to those of other pictures of the same person."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.face_comparison.alignment import SIDE
from containers.face_comparison.feature import AURAFACE, MOBILEFACE
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

_BATCH = 16  # faces; each goes through the network twice


class Kind(NamedTuple):
    """boundary: the cosine at which same and different person are equally likely. slope: of the logistic."""

    file: str
    version: str
    dimensions: int
    boundary: float
    slope: float

    def similarity(self, cosine: float) -> float:
        """0 to 1, rising with the cosine; 0.5 at the boundary."""
        return float(1 / (1 + np.exp(-self.slope * (cosine - self.boundary))))


KINDS = {
    "lite": Kind(MOBILEFACE.name, "retinaface-mobilenet0.25+mobileface-v2/1", 256, 0.25, 22.0),
    "standard": Kind(AURAFACE.name, "retinaface-resnet50+auraface-v1/1", 512, 0.3, 22.0),
}
"""By profile. `lite` is fitted by benchmarks/face_pairs.py, `standard` is assumed."""


class FaceEmbedder:
    """network: (N, 3, 112, 112) float32 RGB, 0..255 -> (N, D)."""

    def __init__(self, network: Executor, kind: Kind) -> None:
        self._network, self.kind = network, kind

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The embedder of a profile, compiled for the device."""
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
        """(D,) unit vector of every (112, 112, 3) aligned face: the mean of it and of its mirror image."""
        batches = (faces[start : start + _BATCH] for start in range(0, len(faces), _BATCH))
        found = self._network.map(map(network_input, batches), lambda outputs: _unit(outputs[0]))
        return [vector for batch in found for vector in batch]


def network_input(faces: Sequence[Pixels]) -> Floats:
    """(2 N, 3, 112, 112): the faces, then their mirror images."""
    array = np.stack(faces).transpose(0, 3, 1, 2).astype(np.float32)
    return np.concatenate((array, array[..., ::-1]))


def _unit(vectors: Floats) -> Floats:
    summed = vectors[: len(vectors) // 2] + vectors[len(vectors) // 2 :]
    return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _network(file: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    if file.suffix == ".onnx":
        from containers.face_comparison.networks.auraface import auraface

        return auraface(file)
    from containers.face_comparison.networks.mobileface import mobileface

    return mobileface(file)
