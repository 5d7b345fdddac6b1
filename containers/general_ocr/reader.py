"""Reads the text lines of images: detection, then recognition of the lines of all images together."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import numpy as np

from containers.general_ocr import detection, recognition
from containers.general_ocr.onnx_weights import characters
from containers.general_ocr.recognition import ScoredText, crop, fit
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile, resolve_device
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

R = TypeVar("R")

# shapes of the inputs that warm up the compiled networks
_DETECTOR_WARM_UP = [(1, 3, 736, 736), (1, 3, 736, 992), (1, 3, 992, 736)]
_RECOGNISER_WARM_UP = [(size, 3, 48, width) for size in (1, 4, 16) for width in (96, 160, 320, 640)]
_BATCH_WIDTH = {"cpu": 768, "cuda": 16384}  # on a CPU, 384 and 1536 are not faster


class Line(NamedTuple):
    """One text line. score: 0 to 1. polygon: (4, 2) x and y in px of the image, clockwise from top-left."""

    text: str
    score: float
    polygon: Floats


class TextReader:
    """Detects and recognises the text lines of images.

    detector: (1, 3, H, W) -> (1, 1, H, W) probabilities. recogniser: (N, 3, 48, W) -> (N, T, classes) logits.
    characters: the text of every class. batch_width: total width in px of the lines that are recognised
    together. A GPU needs thousands to be used well.
    """

    MIN_SCORE = 0.5  # lines with a lower score are left out

    def __init__(
        self, detector: Executor, recogniser: Executor, characters: Sequence[str], *, batch_width: int
    ) -> None:
        self._detector, self._recogniser = detector, recogniser
        self.characters, self._batch_width = characters, batch_width

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Compiles the networks of general_ocr's weights, of either profile, for the device."""
        device = resolve_device(device)
        detector, recogniser = (
            compile(
                partial(_network, name, *_files(weights, role)),
                np.zeros(example, np.float32),
                device=device,
                cache=weights.derived(role),
                bf16=role == "rec",  # changes no character; in the detector it changes the order of lines
                warm_up=warm_up,
            )
            for name, role, example, warm_up in (
                ("detector", "det", (1, 3, 64, 96), _DETECTOR_WARM_UP),
                ("recogniser", "rec", (2, 3, 48, 160), _RECOGNISER_WARM_UP),
            )
        )
        width = _BATCH_WIDTH["cuda" if device.startswith("cuda") else "cpu"]
        return cls(detector, recogniser, characters(weights["rec.onnx"]), batch_width=width)

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """Returns the lines of each (H, W, 3) RGB image in reading order, without low scores and blanks."""
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
        """Returns the text quadrangles of each image, (K, 4, 2) as in `Line`, in reading order."""
        return self._detector.map_with(
            ((detection.network_input(image), image.shape) for image in images),
            lambda outputs, shape: detection.polygons(outputs[0][0, 0], *shape[:2]),
        )

    def recognise(self, crops: Sequence[Pixels]) -> list[ScoredText]:
        """Returns the text and score of every upright (H, W, 3) RGB line, low scores included."""
        return self.decode_lines(crops, lambda logits: recognition.decode(logits, self.characters))

    def decode_lines(self, crops: Sequence[Pixels], decode: Callable[[Floats], list[R]]) -> list[R]:
        """Returns what `decode` returns for each line. It receives the logits of N lines, (N, T, classes)."""
        lines = [fit(line) for line in crops]
        batches = recognition.batches((line.shape[1] for line in lines), self._batch_width)
        found: dict[int, R] = {}
        self._recogniser.map_with(
            ((recognition.network_input([lines[index] for index in batch]), batch) for batch in batches),
            lambda outputs, batch: found.update(zip(batch, decode(outputs[0]), strict=True)),
        )
        return [found[index] for index in range(len(lines))]


def _files(weights: Weights, role: str) -> tuple[Path, ...]:
    """Returns the .onnx file of the role, or its safetensors and its configuration."""
    if f"{role}/config.json" in weights:
        return weights[f"{role}/model.safetensors"], weights[f"{role}/config.json"]
    return (weights[f"{role}.onnx"],)


def _network(name: str, *files: Path) -> "torch.nn.Module":
    # imported late, because loading a compiled network does not need torch
    from containers.general_ocr import network

    module: torch.nn.Module = getattr(network, name)(*files)
    return module
