"""The 106 landmarks of faces, and whether a crop shows a face at all, from FaceMesh."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from containers.face_detection.crops import Square, batches
from containers.face_detection.detection import Face
from containers.face_detection.mesh106 import mesh_to_106
from containers.face_detection.weight_files import FACEMESH
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

SIZE = 192  # side of the network's input in pixels
MARGIN = 0.25  # on each side of the box, as a share of its longer side; the value of MediaPipe


class Landmarks:
    """Finds the landmarks of faces.

    mesh: (N, 3, 192, 192) RGB in 0..1 -> N times 1404 numbers, and N logits that the crop shows a face.
    """

    def __init__(self, mesh: Executor) -> None:
        self._mesh = mesh

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(
            compile(
                partial(_network, weights[FACEMESH.name]),
                np.zeros((2, 3, SIZE, SIZE), np.float32),
                device=device,
                cache=weights.derived("mesh"),
            )
        )

    def find(self, faces: Sequence[tuple[Pixels, Face]]) -> Floats:
        """Returns (N, 106, 2) x and y in pixels of each face's image, in the order of `mesh106`."""
        squares = [square(face) for _, face in faces]
        crops = (each.crop(image, SIZE) for each, (image, _) in zip(squares, faces, strict=True))
        meshes = self.meshes(crops)
        points = [each.image_points(mesh[:, :2], SIZE) for each, mesh in zip(squares, meshes, strict=True)]
        return mesh_to_106(np.array(points, np.float32).reshape(-1, 468, 2))

    def presences(self, image: Pixels, faces: Iterable[Face]) -> Floats:
        """Returns the (N,) probability that the image shows a face there."""
        logits = self._outputs((square(face).crop(image, SIZE) for face in faces), 1, ())
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def meshes(self, crops: Iterable[Pixels]) -> Floats:
        """Returns (N, 468, 3) x, y and depth, in pixels, for the face in each (192, 192, 3) crop."""
        return self._outputs(crops, 0, (468, 3))

    def _outputs(self, crops: Iterable[Pixels], number: int, shape: tuple[int, ...]) -> Floats:
        """Returns (N, *shape) values of one of the network's outputs."""
        found = self._mesh.map(
            (batch / np.float32(255) for batch in batches(crops)),
            lambda outputs: outputs[number].reshape(-1, *shape).copy(),
        )
        return np.concatenate([np.zeros((0, *shape), np.float32), *found])


def square(face: Face) -> Square:
    """Returns the square around the box with a margin, rotated so that the face is upright."""
    return Square(face.centre, (1 + 2 * MARGIN) * face.size, face.angle)


def _network(weights: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    from serving.graphs import tflite
    from serving.graphs.network import GraphNetwork

    return GraphNetwork(tflite.read(weights))
