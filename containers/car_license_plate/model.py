"""Car license plate: the plate reader behind the feature's request and reply."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Self

from msgspec import UNSET

from containers.car_license_plate.feature import Plate, PlateRequest
from containers.car_license_plate.plates import Found, PlateReader
from containers.general_ocr.feature import Duration
from serving.arrays import Pixels
from serving.images.polygons import corners, location
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """An image, (H, W, 3) uint8 RGB; detail: tell type and validity; since: as in general_ocr."""

    image: Pixels
    detail: bool
    since: float | None


class Model(Base[PlateRequest, Item, list[Found], list[Plate | Duration]]):
    """Finds and reads plates."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(PlateReader.load(weights, device))

    def preprocess(self, request: PlateRequest) -> Item:
        since = time.monotonic() if request.duration else None
        return Item(self.media.of(request), request.detail, since)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Found]]:
        return self._reader.read([item.image for item in batch])

    def postprocess(self, output: list[Found], item: Item) -> list[Plate | Duration]:
        plates: list[Plate | Duration] = [plate(found, item.detail) for found in output]
        if item.since is not None:
            plates.append(Duration(time.monotonic() - item.since))
        return plates


def plate(found: Found, detail: bool) -> Plate:
    """The reply's form of a plate."""
    return Plate(
        words=found.text,
        location=location(found.polygon),
        score=found.score,
        polygon=corners(found.polygon),
        plate_type=found.colour if detail else UNSET,
        valid=found.valid if detail else UNSET,
    )
