"""Text lines of images: detection, then recognition pooled over all lines of all images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from containers.general_ocr import detection, recognition
from containers.general_ocr.recognition import Text, crop, fit
from serving.executor import Executor

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Line(NamedTuple):
    """score: 0 to 1. polygon: (4, 2) x and y in pixels of the image, clockwise from the top-left."""

    text: str
    score: float
    polygon: Floats


class TextReader:
    """detector: (1, 3, H, W) -> (1, 1, H, W) probabilities.

    recogniser: (N, 3, 48, W) -> (N, T, classes) logits. characters: the text of every class.
    batch_width: columns of lines recognised together. A CPU gains nothing from more and needs small batches
    to keep its streams busy; a GPU wants thousands.
    """

    MIN_SCORE = 0.5

    def __init__(
        self, detector: Executor, recogniser: Executor, characters: Sequence[str], *, batch_width: int = 768
    ) -> None:
        self._detector, self._recogniser = detector, recogniser
        self._characters, self._batch_width = characters, batch_width

    def read(self, images: Sequence[Image]) -> list[list[Line]]:
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

    def detect(self, images: Sequence[Image]) -> list[Floats]:
        """Quadrangles of text per image, (K, 4, 2) as in `Line`, in reading order."""
        sizes = iter([image.shape[:2] for image in images])
        return self._detector.map(
            (detection.network_input(image) for image in images),
            lambda outputs: detection.polygons(outputs[0][0, 0], *next(sizes)),
        )

    def recognise(self, crops: Sequence[Image]) -> list[Text]:
        """Text and score of every upright (H, W, 3) RGB line; all of them, however unsure."""
        lines = [fit(line) for line in crops]
        batches = recognition.batches((line.shape[1] for line in lines), self._batch_width)
        decoded = self._recogniser.map(
            (recognition.network_input([lines[index] for index in batch]) for batch in batches),
            lambda outputs: recognition.decode(outputs[0], self._characters),
        )
        texts: dict[int, Text] = {}
        for batch, found in zip(batches, decoded, strict=True):
            texts.update(zip(batch, found, strict=True))
        return [texts[index] for index in range(len(lines))]
