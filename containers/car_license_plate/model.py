"""Car license plate: the model reads plates and turns them into the reply."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Self

from msgspec import UNSET

from containers.car_license_plate.feature import Plate, PlateRequest
from containers.car_license_plate.plates import DetectedPlate, PlateReader
from containers.general_ocr.feature import Duration
from serving.arrays import Pixels
from serving.images.polygons import corners, location
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB.

    detail: the reply has each plate's type and validity. started: monotonic time of the request, if its
    duration is requested.
    """

    image: Pixels
    detail: bool
    started: float | None


class Model(Base[PlateRequest, Item, list[DetectedPlate], list[Plate | Duration]]):
    """Finds and reads plates."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(PlateReader.load(weights, device))

    def preprocess(self, request: PlateRequest) -> Item:
        started = time.monotonic() if request.duration else None
        return Item(self.media.of(request), request.detail, started)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[DetectedPlate]]:
        return self._reader.read([item.image for item in batch])

    def postprocess(self, output: list[DetectedPlate], item: Item) -> list[Plate | Duration]:
        plates: list[Plate | Duration] = [plate(found, item.detail) for found in output]
        if item.started is not None:
            plates.append(Duration(time.monotonic() - item.started))
        return plates


def plate(found: DetectedPlate, detail: bool) -> Plate:
    """Converts a detected plate to its form in the reply."""
    return Plate(
        words=found.text,
        location=location(found.polygon),
        score=found.score,
        polygon=corners(found.polygon),
        plate_type=found.colour if detail else UNSET,
        valid=found.valid if detail else UNSET,
    )
