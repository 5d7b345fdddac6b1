"""The 33 points of a person's body, by MediaPipe's BlazePose (https://arxiv.org/abs/2006.10204)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.face_detection.crops import Square
from containers.human_attribute_recognition.feature import POSE
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

SIDE = 256
POINTS = 33
NOSE = 0
EYES, EARS = (2, 5), (7, 8)
SHOULDERS, ELBOWS, WRISTS = (11, 12), (13, 14), (15, 16)
HIPS, KNEES, ANKLES = (23, 24), (25, 26), (27, 28)
HANDS = (19, 20)  # the index fingers
AROUND = 1.25  # side of the square, in sizes of the person
ROUNDS = 2  # the second square is placed by the points found in the first
SEEN = 0.5  # visibility from which a point counts as seen
_BATCH = 4


class Pose(NamedTuple):
    """The points of a person; of each pair, the person's own left comes first.

    points: (33, 2) x and y in pixels of the image. depth: (33,) in pixels, smaller is nearer, 0 at the hips.
    visible: (33,) probability that the point lies in the image and is not hidden. score: probability that
    the network sees a person, 0 to 1.
    """

    points: Floats
    depth: Floats
    visible: Floats
    score: float

    def sees(self, *indices: int) -> bool:
        """Tells whether all these points are seen."""
        return bool((self.visible[list(indices)] >= SEEN).all())


class PoseNetwork:
    """Finds the points of people. network: (N, 3, 256, 256) -> (N, 195) points and (N, 1) scores."""

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the network of the file `POSE` and compiles it for the device."""
        return cls(
            compile(
                partial(_network, weights[POSE.name]),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("pose"),
                warm_up=[(size, 3, SIDE, SIDE) for size in (1, _BATCH)],
            )
        )

    def find(self, people: Sequence[tuple[Pixels, Floats]]) -> list[Pose]:
        """Returns the pose of each person: an (H, W, 3) RGB image and a (4,) box in pixels."""
        squares = [around(box) for _, box in people]
        found: list[tuple[Pose, Square]] = []
        for _ in range(ROUNDS):
            found = self._round([image for image, _ in people], squares)
            squares = [square for _, square in found]
        return [pose for pose, _ in found]

    def _round(self, images: Sequence[Pixels], squares: Sequence[Square]) -> list[tuple[Pose, Square]]:
        """Returns the pose seen in each square, and the square that fits it better."""
        pairs = list(zip(images, squares, strict=True))
        groups = [pairs[start : start + _BATCH] for start in range(0, len(pairs), _BATCH)]
        inputs = (network_input([square.crop(image, SIDE) for image, square in group]) for group in groups)
        rows = self._network.map(inputs, lambda outputs: np.concatenate(outputs[:2], axis=1))
        every = [row for group in rows for row in group]
        return [decode(row[:-1], float(row[-1]), square) for row, square in zip(every, squares, strict=True)]


def around(box: Floats) -> Square:
    """Returns the first square of a person with that box."""
    side = AROUND * max(1.0, float((box[2:] - box[:2]).max()))
    return Square((box[:2] + box[2:]) / np.float32(2), side)


def network_input(crops: Sequence[Pixels]) -> Floats:
    """Converts (256, 256, 3) RGB images to (N, 3, 256, 256) in 0..1."""
    return np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def decode(row: Floats, score: float, square: Square) -> tuple[Pose, Square]:
    """Returns the pose, and the square that its two auxiliary points describe.

    row: (195,), 39 points with x, y and depth in pixels of the square, visibility and presence as logits.
    The auxiliary points are the middle of the hips and a point on a circle around the whole body.
    """
    values = row.reshape(39, 5)
    points = square.image_points(values[:, :2], SIDE)
    seen = np.minimum(_sigmoid(values[:POINTS, 3]), _sigmoid(values[:POINTS, 4]))
    depth = values[:POINTS, 2] * np.float32(square.side / SIDE)
    centre, edge = points[POINTS], points[POINTS + 1]
    away = edge - centre
    side = max(1.0, 2 * AROUND * float(np.hypot(*away)))
    better = Square(centre, side, float(np.arctan2(away[0], -away[1])))
    return Pose(points[:POINTS], depth, seen, score), better


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits.clip(-30, 30))), np.float32)


def _network(file: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    from serving.graphs import tflite
    from serving.graphs.network import GraphNetwork

    graph = tflite.read(file)
    return GraphNetwork(graph, graph.outputs[:2])
