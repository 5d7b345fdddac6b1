"""Text lines of images: detection, then recognition pooled over all lines of all images."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import numpy as np

from containers.general_ocr import detection, recognition
from containers.general_ocr.onnx_weights import characters
from containers.general_ocr.recognition import Text, crop, fit
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile, resolve_device
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

R = TypeVar("R")


_PAGES = [(1, 3, 736, 736), (1, 3, 736, 992), (1, 3, 992, 736)]
_LINES = [(size, 3, 48, width) for size in (1, 4, 16) for width in (96, 160, 320, 640)]
_BATCH_WIDTH = {"cpu": 768, "cuda": 16384}  # on a CPU 384 and 1536 measure the same or worse


class Line(NamedTuple):
    """score: 0 to 1. polygon: (4, 2) x and y in pixels of the image, clockwise from the top-left."""

    text: str
    score: float
    polygon: Floats


class TextReader:
    """detector: (1, 3, H, W) -> (1, 1, H, W) probabilities.

    recogniser: (N, 3, 48, W) -> (N, T, classes) logits. characters: the text of every class.
    batch_width: columns of lines recognised together; a GPU wants thousands.
    """

    MIN_SCORE = 0.5

    def __init__(
        self, detector: Executor, recogniser: Executor, characters: Sequence[str], *, batch_width: int
    ) -> None:
        self._detector, self._recogniser = detector, recogniser
        self.characters, self._batch_width = characters, batch_width

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The reader of general_ocr's weights, of either profile, compiled for the device."""
        device = resolve_device(device)
        detector, recogniser = (
            compile(
                partial(_network, name, _source(weights, role)),
                np.zeros(example, np.float32),
                device=device,
                cache=weights.derived(role),
                bf16=role == "rec",  # changes no character; in the detector it changes the order of lines
                warm_up=warm_up,
            )
            for name, role, example, warm_up in (
                ("detector", "det", (1, 3, 64, 96), _PAGES),
                ("recogniser", "rec", (2, 3, 48, 160), _LINES),
            )
        )
        width = _BATCH_WIDTH["cuda" if device.startswith("cuda") else "cpu"]
        return cls(detector, recogniser, characters(weights["rec.onnx"]), batch_width=width)

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """Lines of every (H, W, 3) RGB image in reading order; unsure and empty ones are left out."""
        polygons = self.detect(images)
        crops = [
            crop(image, polygon) for image, found in zip(images, polygons, strict=True) for polygon in found
        ]
        texts = iter(self.recognise(crops))
        return [
            [
                Line(text, score, polygon)
                for polygon, (text, score) in zip(found, texts, strict=False)
                if text.strip() and score >= self.MIN_SCORE
            ]
            for found in polygons
        ]

    def detect(self, images: Sequence[Pixels]) -> list[Floats]:
        """Quadrangles of text per image, (K, 4, 2) as in `Line`, in reading order."""
        return self._detector.map_with(
            ((detection.network_input(image), image.shape) for image in images),
            lambda outputs, shape: detection.polygons(outputs[0][0, 0], *shape[:2]),
        )

    def recognise(self, crops: Sequence[Pixels]) -> list[Text]:
        """Text and score of every upright (H, W, 3) RGB line; all of them, however unsure."""
        return self.decoded(crops, lambda logits: recognition.decode(logits, self.characters))

    def decoded(self, crops: Sequence[Pixels], decode: Callable[[Floats], list[R]]) -> list[R]:
        """What `decode` makes of each line's logits. It gets those of N lines at once, (N, T, classes)."""
        lines = [fit(line) for line in crops]
        batches = recognition.batches((line.shape[1] for line in lines), self._batch_width)
        found: dict[int, R] = {}
        self._recogniser.map_with(
            ((recognition.network_input([lines[index] for index in batch]), batch) for batch in batches),
            lambda outputs, batch: found.update(zip(batch, decode(outputs[0]), strict=True)),
        )
        return [found[index] for index in range(len(lines))]


def _source(weights: Weights, role: str) -> Path:
    """The .onnx file of the role, or the folder that holds its files in the Hugging Face layout."""
    if f"{role}/config.json" in weights:
        return weights[f"{role}/config.json"].parent
    return weights[f"{role}.onnx"]


def _network(name: str, source: Path) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.general_ocr import network

    module: torch.nn.Module = getattr(network, name)(source)
    return module
