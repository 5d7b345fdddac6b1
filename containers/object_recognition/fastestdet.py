"""FastestDet: the things of 80 kinds in images, as boxes. https://github.com/dog-qiuqiu/FastestDet."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, surest
from containers.object_recognition.weight_files import FASTESTDET
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 352
MAX_OVERLAP = 0.45  # of two boxes of one class, intersection over union
_BATCH = 8


class FastestDet:
    """network: (N, 3, 352, 352) -> (N, 85, 22, 22), as network.py has it."""

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The detector of the weights' `FASTESTDET`, compiled for the device."""
        return cls(
            compile(
                partial(_network, weights[FASTESTDET.name]),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("fastestdet"),
                warm_up=[(size, 3, SIDE, SIDE) for size in (1, _BATCH)],
            )
        )

    def detect(self, images: Sequence[Pixels], *, min_score: float = 0.25) -> list[list[Detection]]:
        """What is in each (H, W, 3) RGB image, surest first, one box where several of a class overlap."""
        batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
        found = self._network.map_with(
            ((network_input(batch), batch) for batch in batches),
            lambda outputs, batch: [
                detections(grid, image.shape[:2], min_score)
                for grid, image in zip(outputs[0], batch, strict=True)
            ],
        )
        return [one for batch in found for one in batch]


def network_input(images: Sequence[Pixels]) -> Floats:
    """(H, W, 3) RGB images, squeezed to a square -> (N, 3, 352, 352) BGR in 0..1."""
    # area is better than bilinear where an image shrinks; where it grows, the two are the same
    squares = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images]
    return cast(Floats, cv2.dnn.blobFromImages(squares, 1 / 255, swapRB=True))


def detections(grid: Floats, size: tuple[int, ...], min_score: float) -> list[Detection]:
    """Boxes of one image of that height and width. grid: (85, rows, columns) from the network."""
    height, width = size
    labels = grid[5:].argmax(0)
    scores = grid[0] * grid[5:].max(0)
    rows, columns = np.nonzero(scores >= min_score)
    labels, scores = labels[rows, columns], scores[rows, columns]
    x, y, across, down = grid[1:5, rows, columns]
    centre = np.stack(((np.tanh(x) + columns) / grid.shape[2], (np.tanh(y) + rows) / grid.shape[1]), 1)
    half = 0.5 / (1 + np.exp(-np.stack((across, down), 1)))
    boxes = np.concatenate((centre - half, centre + half), 1).clip(0, 1) * (width, height, width, height)
    return surest(boxes.astype(np.float32), scores, labels, MAX_OVERLAP)


def _network(file: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.object_recognition.networks.fastestdet import detector

    return detector(file)
