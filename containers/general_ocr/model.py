"""General OCR: PP-OCRv6 detection and recognition behind the feature's request and reply."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from containers.general_ocr.feature import Duration, Location, OCRRequest, TextLine
from containers.general_ocr.onnx_weights import characters
from containers.general_ocr.reader import Line, TextReader
from serving import executor
from serving.model import Model as Base
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

_BATCH_WIDTH = {"cpu": 768, "cuda": 16384}


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB; since: when its request was taken up, if that is to be told."""

    image: NDArray[np.uint8]
    since: float | None


class Model(Base[OCRRequest, Item, list[Line], list[TextLine | Duration]]):
    """Reads the text lines of images."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        device = executor.resolve_device(device)
        detector = executor.compile(
            partial(_network, "detector", _source(weights, "det")),
            np.zeros((1, 3, 64, 96), np.float32),
            device=device,
            cache=weights.derived("det"),
        )
        recogniser = executor.compile(
            partial(_network, "recogniser", _source(weights, "rec")),
            np.zeros((2, 3, 48, 160), np.float32),
            device=device,
            cache=weights.derived("rec"),
        )
        width = _BATCH_WIDTH[device.partition(":")[0].partition("-")[0]]
        return cls(TextReader(detector, recogniser, characters(weights["rec.onnx"]), batch_width=width))

    def preprocess(self, request: OCRRequest) -> Item:
        since = time.monotonic() if request.duration else None
        return Item(self.media.of(request), since)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Line]]:
        return self._reader.read([item.image for item in batch])

    def postprocess(self, output: list[Line], item: Item) -> list[TextLine | Duration]:
        lines: list[TextLine | Duration] = [text_line(line) for line in output]
        if item.since is not None:
            lines.append(Duration(time.monotonic() - item.since))
        return lines


def text_line(line: Line) -> TextLine:
    """The reply's form of a line; the location is the upright hull of the polygon."""
    left, top = (int(value) for value in np.floor(line.polygon.min(axis=0)))
    right, bottom = (int(value) for value in np.ceil(line.polygon.max(axis=0)))
    first, second, third, fourth = ((float(x), float(y)) for x, y in line.polygon)
    return TextLine(
        words=line.text,
        location=Location(top=top, left=left, width=right - left, height=bottom - top),
        score=line.score,
        polygon=(first, second, third, fourth),
    )


def _source(weights: Weights, role: str) -> Path:
    """The .onnx file of the role, or the folder that holds its files in the Hugging Face layout."""
    if f"{role}/config.json" in weights:
        return weights[f"{role}/config.json"].parent
    return weights[f"{role}.onnx"]


def _network(name: str, source: Path) -> "torch.nn.Module":
    from containers.general_ocr import network  # late: needed only where nothing is compiled yet

    module: torch.nn.Module = getattr(network, name)(source)
    return module
