"""FastestDet detects objects of COCO's 80 classes in images. https://github.com/dog-qiuqiu/FastestDet."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, suppress_overlaps
from containers.object_recognition.feature import FASTESTDET
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 352
MAX_OVERLAP = 0.45  # intersection over union of two boxes of one class
_BATCH = 8  # images that go through the network together


class FastestDet:
    """Detects objects.

    network: turns (N, 3, 352, 352) into (N, 85, 22, 22), as `networks.fastestdet.Detector` does.
    """

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the detector of the file `FASTESTDET` and compiles it for the device."""
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
        """Returns the detections of each (H, W, 3) RGB image, those with the highest score first.

        Overlapping boxes of one class are reduced to one. A label is an index into COCO_NAMES.
        """
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
    """Squeezes (H, W, 3) RGB images to squares, (N, 3, 352, 352) BGR in 0..1."""
    # INTER_AREA is better than bilinear when an image shrinks; when it grows, both give the same
    squares = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images]
    return cast(Floats, cv2.dnn.blobFromImages(squares, 1 / 255, swapRB=True))


def detections(grid: Floats, size: tuple[int, ...], min_score: float) -> list[Detection]:
    """Decodes the network's output for one image.

    grid: (85, rows, columns) from the network. size: height and width of the image.
    """
    height, width = size
    labels = grid[5:].argmax(0)
    scores = grid[0] * grid[5:].max(0)
    rows, columns = np.nonzero(scores >= min_score)
    labels, scores = labels[rows, columns], scores[rows, columns]
    x, y, raw_width, raw_height = grid[1:5, rows, columns]
    centre = np.stack(((np.tanh(x) + columns) / grid.shape[2], (np.tanh(y) + rows) / grid.shape[1]), 1)
    half = 0.5 / (1 + np.exp(-np.stack((raw_width, raw_height), 1)))
    boxes = np.concatenate((centre - half, centre + half), 1).clip(0, 1) * (width, height, width, height)
    return suppress_overlaps(boxes.astype(np.float32), scores, labels, MAX_OVERLAP)


def _network(file: Path) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    from containers.object_recognition.networks.fastestdet import detector

    return detector(file)
