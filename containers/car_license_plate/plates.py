"""Plates of images: regions from the text detector, read under the grammar, pooled over all images."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np

from containers.car_license_plate import regions
from containers.car_license_plate.agreement import Reading
from containers.car_license_plate.colour import colour, colourless, starts_red
from containers.car_license_plate.grammar import LAYOUTS, Colour, Grammar, texts
from containers.car_license_plate.lprnet import LPRReader
from containers.car_license_plate.platenet import PlateNetReader
from containers.car_license_plate.regions import Region
from containers.general_ocr.reader import TextReader
from containers.general_ocr.recognition import Text, crop
from serving.arrays import Floats, Pixels
from serving.weights import Weights

_NOTHING = np.zeros((0, 4, 2), np.float32)
_SHADES: dict[Colour, tuple[Colour, ...]] = {
    "black": ("blue", "black"),
    "white": ("yellow", "green", "white"),
}
"""What a black or white plate of a picture without colour may be, likeliest first."""


class Found(NamedTuple):
    """A plate. polygon: (4, 2) x and y in pixels of the image, clockwise from the text's top-left.

    valid: whether plates of that colour say such things.
    """

    text: str
    score: float
    polygon: Floats
    colour: Colour
    valid: bool


class Sight(NamedTuple):
    """A region of the image of that index.

    texts: the likeliest of each layout. chances: the first reader's, as of `Grammar.chances`.
    """

    image: int
    region: Region
    texts: list[Text]
    chances: Floats


class Second(Protocol):
    """A recogniser that is asked where no plate was found with certainty."""

    def knows(self, rows: int, colour: Colour) -> bool:
        """Whether to ask it about such plates."""

    def opinions(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[Text]]:
        """Of each line the best text of every layout, given what was read there `first`."""


class PlateReader:
    """reader: general_ocr's. seconds: asked one after the other."""

    MIN_SCORE = 0.3
    SURE = 0.5  # score from which no second reader is asked
    PROMISING = 0.05  # score from which a region is looked at more closely

    def __init__(self, reader: TextReader, *seconds: Second) -> None:
        self._reader, self._seconds = reader, seconds
        self._grammar = Grammar(reader.characters)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Of either profile, compiled for the device."""
        seconds = [one.load(weights, device) for one in (PlateNetReader, LPRReader) if one.FILE in weights]
        return cls(TextReader.load(weights, device), *seconds)

    def read(self, images: Sequence[Pixels]) -> list[list[Found]]:
        """Plates of every (H, W, 3) RGB image from top to bottom."""
        searched = iter(self._reader.detect([image for image in images if not regions.is_plate(image)]))
        boxes = (_NOTHING if regions.is_plate(image) else next(searched) for image in images)
        seen = self._seen(images, [regions.regions(*pair) for pair in zip(images, boxes, strict=True)])
        seen = [sight for sight in seen if max(score for _, score in sight.texts) > self.PROMISING]
        promising = {(index, region.polygon.tobytes()): region.polygon for index, region, *_ in seen}
        closer: list[list[Region]] = [[] for _ in images]
        for (index, _), polygon in promising.items():
            closer[index] += regions.coloured(images[index], polygon)
        seen += self._seen(images, closer)
        plates = self._plates(images, seen)
        for second in self._seconds:
            self._ask(second, images, seen, plates)
            plates = self._plates(images, seen)
        return plates

    def _seen(self, images: Sequence[Pixels], found: Sequence[Iterable[Region]]) -> list[Sight]:
        places = [(index, region) for index, some in enumerate(found) for region in some]
        lines = [regions.line(images[index], region) for index, region in places]
        chances = self._reader.decoded(lines, self._grammar.chances)
        said = texts(chances, floor=self.PROMISING)
        return [Sight(*place, one, each) for place, one, each in zip(places, said, chances, strict=True)]

    def _ask(
        self, second: Second, images: Sequence[Pixels], seen: Sequence[Sight], plates: Sequence[list[Found]]
    ) -> None:
        """Puts its texts where it knows the kind of plate and none was found with certainty."""
        unsure = [
            (sight, regions.line(images[sight.image], sight.region))
            for sight in seen
            if not any(
                plate.score >= self.SURE and _overlap(sight.region.polygon, plate.polygon)
                for plate in plates[sight.image]
            )
        ]
        asked = [pair for pair in unsure if second.knows(len(pair[0].region.rows), colour(pair[1]))]
        first = [Reading(sight.chances, sight.texts) for sight, _ in asked]
        for (sight, _), said in zip(asked, second.opinions([line for _, line in asked], first), strict=True):
            sight.texts[:] = said

    def _plates(self, images: Sequence[Pixels], seen: Sequence[Sight]) -> list[list[Found]]:
        found: list[list[Found]] = [[] for _ in images]
        grey = [colourless(image) for image in images]
        for sight in seen:
            found[sight.image] += self._judged(images[sight.image], sight, grey[sight.image])
        return [_distinct(plates) for plates in found]

    def _judged(self, image: Pixels, sight: Sight, grey: bool) -> Iterator[Found]:
        """Its text if that is sure enough. Only a coloured plate may say what no plate of its colour says."""
        plate = crop(image, sight.region.polygon)
        seen, red = colour(plate), starts_red(plate)
        possible = _SHADES.get(seen, (seen,)) if grey else (seen,)
        fitting: list[tuple[Text, Colour]] = []
        other: list[tuple[Text, Colour]] = []
        for layout, text in zip(LAYOUTS, sight.texts, strict=True):
            if text[1] >= self.MIN_SCORE and (red or not layout.red):
                kind = next((kind for kind in possible if kind in layout.colours), None)
                (fitting if kind else other).append((text, kind or seen))
        chosen = fitting or ([] if seen in ("white", "black") else other)
        if chosen:
            (words, score), kind = max(chosen, key=lambda one: one[0][1] ** len(one[0][0]))
            height, width = image.shape[:2]
            polygon = sight.region.polygon.clip(0, (width, height)).astype(np.float32)
            yield Found(words, score, polygon, kind, bool(fitting))


def _distinct(found: Iterable[Found]) -> list[Found]:
    """The best of those that overlap, from top to bottom."""
    kept: list[Found] = []
    for plate in sorted(found, key=lambda plate: (plate.valid, plate.score), reverse=True):
        if not any(_overlap(plate.polygon, other.polygon) for other in kept):
            kept.append(plate)
    return sorted(kept, key=lambda plate: float(plate.polygon[:, 1].min()))


def _overlap(one: Floats, other: Floats) -> bool:
    """Whether the upright hulls share a third of the smaller."""
    low, high = np.maximum(one.min(axis=0), other.min(axis=0)), np.minimum(one.max(axis=0), other.max(axis=0))
    smaller = min(float(np.ptp(polygon, axis=0).prod()) for polygon in (one, other))
    return float(np.maximum(0, high - low).prod()) > smaller / 3
