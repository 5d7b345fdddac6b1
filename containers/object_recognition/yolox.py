"""YOLOX-S: the things of 80 kinds in images, as boxes. https://arxiv.org/abs/2107.08430.

Larger and surer than FastestDet; the publisher's .onnx file, for BGR of 0 to 255.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, surest
from containers.object_recognition.letterbox import letterbox
from containers.object_recognition.weight_files import YOLOX_S
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 640
GREY = 114  # of what is no image
STRIDES = (8, 16, 32)
MAX_OVERLAP = 0.5  # of two boxes of one class, intersection over union


def _cells() -> tuple[Floats, Floats]:
    """Column and row of every cell, (8400, 2), and its pixels, (8400, 1), in the order of the output."""
    grids = [np.mgrid[: SIDE // stride, : SIDE // stride][::-1].reshape(2, -1).T for stride in STRIDES]
    strides = np.repeat(STRIDES, [len(grid) for grid in grids])
    return np.concatenate(grids).astype(np.float32), strides.astype(np.float32)[:, None]


_PLACES, _STRIDES = _cells()


class Yolox:
    """network: (1, 3, 640, 640) -> (1, 8400, 85): raw centre and size, objectness, class probabilities."""

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The detector of the weights' `YOLOX_S`, compiled for the device."""
        return cls(
            compile(
                partial(_network, weights[YOLOX_S.name]),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("yolox"),
            )
        )

    def detect(self, images: Sequence[Pixels], *, min_score: float = 0.25) -> list[list[Detection]]:
        """What is in each (H, W, 3) RGB image, surest first, one box where several of a class overlap."""
        return self._network.map_with(  # one at a time: the file's graph has no other batch
            ((network_input(image), image.shape[:2]) for image in images),
            lambda outputs, size: detections(outputs[0][0], size, min_score),
        )


def network_input(image: Pixels) -> Floats:
    """(H, W, 3) RGB -> (1, 3, 640, 640) BGR in 0..255."""
    return cast(Floats, cv2.dnn.blobFromImage(letterbox(image, SIDE, GREY), swapRB=True))


def detections(cells: Floats, size: tuple[int, ...], min_score: float) -> list[Detection]:
    """Boxes of one image of that height and width. cells: (8400, 85) from the network."""
    scores: Floats = cells[:, 4] * cells[:, 5:].max(1)
    chosen = scores >= min_score
    cells, scores, strides = cells[chosen], scores[chosen], _STRIDES[chosen]
    centre = (cells[:, :2] + _PLACES[chosen]) * strides
    half = np.exp(cells[:, 2:4].clip(max=10)) * strides / 2
    height, width = size
    boxes = np.concatenate((centre - half, centre + half), 1) * (max(size) / SIDE)
    inside = boxes.clip(0, (width, height, width, height)).astype(np.float32)
    return surest(inside, scores, cells[:, 5:].argmax(1), MAX_OVERLAP)


def _network(file: Path) -> "torch.nn.Module":
    from onnx2torch import convert  # type: ignore[import-untyped]  # late: only where nothing is compiled yet

    return cast("torch.nn.Module", convert(file)).eval().requires_grad_(False)
