"""YOLOX-S detects objects of COCO's 80 classes in images. https://arxiv.org/abs/2107.08430.

It is larger and more accurate than NanoDet-g. The weights are the publisher's .onnx file, which expects BGR
of 0 to 255.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, cells, letterbox, suppress_overlaps
from containers.object_recognition.feature import YOLOX_S
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 640
GREY = 114  # value of the square around the image
STRIDES = (8, 16, 32)  # px of a cell in each of the three grids
MAX_OVERLAP = 0.5  # intersection over union of two boxes of one class


_PLACES, _STRIDES = cells(SIDE, STRIDES)


class Yolox:
    """Detects objects.

    network: turns (1, 3, 640, 640) into (1, 8400, 85). A cell has a raw centre and size, the objectness and
    the probabilities of the classes.
    """

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the detector of the file `YOLOX_S` and compiles it for the device."""
        return cls(
            compile(
                partial(_network, weights[YOLOX_S.name]),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("yolox"),
            )
        )

    def detect(self, images: Sequence[Pixels], *, min_score: float = 0.25) -> list[list[Detection]]:
        """Returns the detections of each (H, W, 3) RGB image, those with the highest score first.

        Overlapping boxes of one class are reduced to one. A label is an index into COCO_NAMES.
        """
        # one image at a time, because the graph in the file has a fixed batch size of 1
        return self._network.map_with(
            ((network_input(image), image.shape[:2]) for image in images),
            lambda outputs, size: detections(outputs[0][0], size, min_score),
        )


def network_input(image: Pixels) -> Floats:
    """Puts an (H, W, 3) RGB image into a square, (1, 3, 640, 640) BGR in 0..255."""
    return cast(Floats, cv2.dnn.blobFromImage(letterbox(image, SIDE, GREY), swapRB=True))


def detections(grid: Floats, size: tuple[int, ...], min_score: float) -> list[Detection]:
    """Decodes the network's output for one image.

    grid: (8400, 85) from the network. size: height and width of the image.
    """
    scores: Floats = grid[:, 4] * grid[:, 5:].max(1)
    chosen = scores >= min_score
    grid, scores, strides = grid[chosen], scores[chosen], _STRIDES[chosen]
    centre = (grid[:, :2] + _PLACES[chosen]) * strides
    half = np.exp(grid[:, 2:4].clip(max=10)) * strides / 2
    height, width = size
    boxes = np.concatenate((centre - half, centre + half), 1) * (max(size) / SIDE)
    inside = boxes.clip(0, (width, height, width, height)).astype(np.float32)
    return suppress_overlaps(inside, scores, grid[:, 5:].argmax(1), MAX_OVERLAP)


def _network(file: Path) -> "torch.nn.Module":
    from onnx2torch import convert  # type: ignore[import-untyped]  # only when no network is cached

    return cast("torch.nn.Module", convert(file)).eval().requires_grad_(False)
