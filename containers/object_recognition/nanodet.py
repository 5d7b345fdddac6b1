"""NanoDet-g detects objects of COCO's 80 classes in images. https://github.com/RangiLyu/nanodet."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, suppress_overlaps
from containers.object_recognition.feature import NANODET_NUMBERS, NANODET_TOPOLOGY
from serving.arrays import Floats, Integers, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 416
STRIDES = (8, 16, 32)  # px of a cell in each of the three grids
MAX_OVERLAP = 0.45  # intersection over union of two boxes, also of different classes
NEARLY_SQUARE = 0.9  # ratio of the sides from which squeezing changes too little
CLASSES = 80
_BATCH = 4  # squares that go through the network together


def _cells() -> tuple[Floats, Floats]:
    """Returns column and row of the cells of all grids, (3549, 2), and their strides, (3549, 1)."""
    grids = [np.mgrid[: SIDE // stride, : SIDE // stride][::-1].reshape(2, -1).T for stride in STRIDES]
    strides = np.repeat(STRIDES, [len(grid) for grid in grids])
    return np.concatenate(grids).astype(np.float32), strides.astype(np.float32)[:, None]


_PLACES, _STRIDES = _cells()


class NanoDet:
    """Detects objects.

    network: turns (N, 3, 416, 416) into (N, 3549, 84), as `networks.nanodet.NanoDet` does.
    """

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the detector of the files `NANODET` and compiles it for the device."""
        return cls(
            compile(
                partial(_network, weights[NANODET_TOPOLOGY.name], weights[NANODET_NUMBERS.name]),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("nanodet"),
                warm_up=[(size, 3, SIDE, SIDE) for size in (1, _BATCH)],
            )
        )

    def detect(self, images: Sequence[Pixels], *, min_score: float = 0.25) -> list[list[Detection]]:
        """Returns the detections of each (H, W, 3) RGB image, those with the highest score first.

        Overlapping boxes are reduced to one. A label is an index into COCO_NAMES.
        """
        fits = [fits_of(image.shape[:2]) for image in images]
        inputs = [(image, fit) for image, several in zip(images, fits, strict=True) for fit in several]
        batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
        grids: list[Floats] = []
        self._network.map(
            (np.stack([network_input(image, fit) for image, fit in batch]) for batch in batches),
            lambda outputs: grids.extend(outputs[0].copy()),
        )
        remaining = iter(grids)
        return [
            detections([(next(remaining), fit) for fit in several], image.shape[:2], min_score)
            for image, several in zip(images, fits, strict=True)
        ]


class Fit(NamedTuple):
    """The place of an image, in the middle of the network's square. size: width and height there, in px."""

    size: tuple[int, int]

    @property
    def corner(self) -> tuple[int, int]:
        return (SIDE - self.size[0]) // 2, (SIDE - self.size[1]) // 2


def fits_of(size: tuple[int, ...]) -> list[Fit]:
    """Returns the fits in which an image is seen: undistorted, and squeezed to the whole square.

    Large objects are found more surely squeezed, and small ones undistorted. size: height and width.
    """
    height, width = (max(1, round(SIDE * side / max(size))) for side in size)
    square = min(height, width) > NEARLY_SQUARE * SIDE
    return [Fit((width, height)), *([] if square else [Fit((SIDE, SIDE))])]


def network_input(image: Pixels, fit: Fit) -> Floats:
    """Puts an (H, W, 3) RGB image into a black square, (3, 416, 416) BGR in 0..255."""
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    (left, top), (width, height) = fit.corner, fit.size
    # INTER_AREA is better than bilinear when an image shrinks; when it grows, both give the same
    square[top : top + height, left : left + width] = cv2.resize(
        image, fit.size, interpolation=cv2.INTER_AREA
    )
    return square[..., ::-1].transpose(2, 0, 1).astype(np.float32)


def detections(
    seen: Sequence[tuple[Floats, Fit]], size: tuple[int, ...], min_score: float
) -> list[Detection]:
    """Decodes the network's outputs for one image.

    seen: the outputs, (3549, 84), and the fits that they belong to. size: height and width of the image.
    """
    parts = [_boxes(grid, fit, size, min_score) for grid, fit in seen]
    boxes, scores, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    return suppress_overlaps(boxes, scores, labels, MAX_OVERLAP, across_labels=True)


def _boxes(
    grid: Floats, fit: Fit, size: tuple[int, ...], min_score: float
) -> tuple[Floats, Floats, Integers]:
    height, width = size
    scores, labels = grid[:, :CLASSES].max(1), grid[:, :CLASSES].argmax(1)
    chosen = scores >= min_score
    distances = grid[chosen, CLASSES:] * _STRIDES[chosen]
    centre = (_PLACES[chosen] + 0.5) * _STRIDES[chosen]
    boxes = np.concatenate((centre - distances[:, :2], centre + distances[:, 2:]), 1)
    zoom = np.array([fit.size[0] / width, fit.size[1] / height] * 2)
    inside = ((boxes - fit.corner * 2) / zoom).clip(0, (width, height, width, height)).astype(np.float32)
    return inside, scores[chosen], labels[chosen]


def _network(topology: Path, numbers: Path) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    from containers.object_recognition.networks.nanodet import nanodet

    return nanodet(topology, numbers)
