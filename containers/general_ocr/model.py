"""General OCR: PP-OCRv6 detection and recognition behind the feature's request and reply."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.general_ocr.feature import Duration, OCRRequest, TextLine
from containers.general_ocr.reader import Line, TextReader
from serving.arrays import Pixels
from serving.images.polygons import corners, location
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB; since: when its request was taken up, if that is to be told."""

    image: Pixels
    since: float | None


class Model(Base[OCRRequest, Item, list[Line], list[TextLine | Duration]]):
    """Reads the text lines of images."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(TextReader.load(weights, device))

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
    """The reply's form of a line."""
    return TextLine(line.text, location(line.polygon), line.score, corners(line.polygon))
