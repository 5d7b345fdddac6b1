"""Plates of images: regions from the text detector, read under the grammar, pooled over all images."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np

from containers.car_license_plate import regions
from containers.car_license_plate.agreement import Reading
from containers.car_license_plate.colour import colour, colourless, starts_red
from containers.car_license_plate.grammar import LAYOUTS, Colour, Grammar, texts
from containers.car_license_plate.line_readers import LPRReader, PlateNetReader
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
        """Returns the plates of every (H, W, 3) RGB image, from top to bottom."""
        sights = self._first_look(images)
        sights += self._closer_look(images, sights)
        plates = self._plates(images, sights)
        for second in self._seconds:
            sights = self._second_opinion(second, images, sights, plates)
            plates = self._plates(images, sights)
        return plates

    def _first_look(self, images: Sequence[Pixels]) -> list[Sight]:
        """Reads every region that may be a plate, and keeps the promising ones."""
        boxes = [_NOTHING] * len(images)
        searched = [index for index, image in enumerate(images) if not regions.is_plate(image)]
        found = self._reader.detect([images[index] for index in searched])
        for index, quadrangles in zip(searched, found, strict=True):
            boxes[index] = quadrangles
        sights = self._sights(images, [regions.regions(*pair) for pair in zip(images, boxes, strict=True)])
        return [sight for sight in sights if max(score for _, score in sight.texts) > self.PROMISING]

    def _closer_look(self, images: Sequence[Pixels], sights: Sequence[Sight]) -> list[Sight]:
        """Reads the coloured plate around each text that is promising, if there is one."""
        polygons = {(sight.image, sight.region.polygon.tobytes()): sight.region.polygon for sight in sights}
        closer: list[list[Region]] = [[] for _ in images]
        for (index, _), polygon in polygons.items():
            closer[index] += regions.coloured(images[index], polygon)
        return self._sights(images, closer)

    def _sights(self, images: Sequence[Pixels], found: Sequence[Iterable[Region]]) -> list[Sight]:
        """Reads the regions found in each image."""
        places = [(index, region) for index, some in enumerate(found) for region in some]
        lines = [regions.line(images[index], region) for index, region in places]
        chances = self._reader.decoded(lines, self._grammar.chances)
        said = texts(chances, floor=self.PROMISING)
        return [Sight(*place, one, each) for place, one, each in zip(places, said, chances, strict=True)]

    def _second_opinion(
        self, second: Second, images: Sequence[Pixels], sights: Sequence[Sight], plates: Sequence[list[Found]]
    ) -> list[Sight]:
        """Returns the sights with the texts of `second` where no plate is sure and it knows that kind."""
        lines: dict[int, Pixels] = {}
        for index, sight in enumerate(sights):
            if not self._is_sure(sight, plates[sight.image]):
                line = regions.line(images[sight.image], sight.region)
                if second.knows(len(sight.region.rows), colour(line)):
                    lines[index] = line
        first = [Reading(sights[index].chances, sights[index].texts) for index in lines]
        opinions = dict(zip(lines, second.opinions(list(lines.values()), first), strict=True))
        return [sight._replace(texts=opinions.get(index, sight.texts)) for index, sight in enumerate(sights)]

    def _is_sure(self, sight: Sight, plates: Sequence[Found]) -> bool:
        """Tells whether a plate with a high score lies over the region."""
        return any(
            plate.score >= self.SURE and _overlap(sight.region.polygon, plate.polygon) for plate in plates
        )

    def _plates(self, images: Sequence[Pixels], sights: Sequence[Sight]) -> list[list[Found]]:
        found: list[list[Found]] = [[] for _ in images]
        grey = [colourless(image) for image in images]
        for sight in sights:
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
