"""D-FINE-N detects objects of COCO's 80 classes in images. https://arxiv.org/abs/2410.13842.

It is more accurate than NanoDet-g. The weights are those of its Hugging Face repository.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.object_recognition.detection import Detection, suppress_overlaps
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SIDE = 640
MAX_OVERLAP = 0.7  # intersection over union of two boxes of one class; it rarely finds an object twice
_BATCH = 4  # squares that go through the network together


class DFine:
    """Detects objects.

    network: turns (N, 3, 640, 640) into (N, Q, 84), as `networks.dfine.Detector` does.
    """

    def __init__(self, network: Executor) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the detector of the files `DFINE` and compiles it for the device."""
        return cls(
            compile(
                partial(_network, weights),
                np.zeros((1, 3, SIDE, SIDE), np.float32),
                device=device,
                cache=weights.derived("dfine"),
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
    """Squeezes (H, W, 3) RGB images to squares, (N, 3, 640, 640) RGB in 0..1."""
    # INTER_AREA is better than bilinear when an image shrinks; when it grows, both give the same
    squares = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images]
    return cast(Floats, cv2.dnn.blobFromImages(squares, 1 / 255))


def detections(guesses: Floats, size: tuple[int, ...], min_score: float) -> list[Detection]:
    """Decodes the network's output for one image.

    guesses: (Q, 84) from the network. size: height and width of the image.
    """
    height, width = size
    scores, labels = guesses[:, :80].max(1), guesses[:, :80].argmax(1)
    chosen = scores >= min_score
    centre, half = guesses[chosen, 80:82], guesses[chosen, 82:] / 2
    boxes = np.concatenate((centre - half, centre + half), 1).clip(0, 1) * (width, height, width, height)
    return suppress_overlaps(boxes.astype(np.float32), scores[chosen], labels[chosen], MAX_OVERLAP)


def _network(weights: Weights) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    from containers.object_recognition.networks.dfine import Detector

    return Detector(weights).eval().requires_grad_(False)
