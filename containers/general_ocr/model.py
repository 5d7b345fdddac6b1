"""General OCR: the model reads text lines with PP-OCRv6 and turns them into the reply."""

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
    """An image, (H, W, 3) uint8 RGB. started: monotonic time of the request, if its duration is requested."""

    image: Pixels
    started: float | None


class Model(Base[OCRRequest, Item, list[Line], list[TextLine | Duration]]):
    """Reads the text lines of images."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(TextReader.load(weights, device))

    def preprocess(self, request: OCRRequest) -> Item:
        started = time.monotonic() if request.duration else None
        return Item(self.media.of(request), started)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Line]]:
        return self._reader.read([item.image for item in batch])

    def postprocess(self, output: list[Line], item: Item) -> list[TextLine | Duration]:
        lines: list[TextLine | Duration] = [text_line(line) for line in output]
        if item.started is not None:
            lines.append(Duration(time.monotonic() - item.started))
        return lines


def text_line(line: Line) -> TextLine:
    """Converts a line that was read to its form in the reply."""
    return TextLine(line.text, location(line.polygon), line.score, corners(line.polygon))
