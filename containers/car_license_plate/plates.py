"""Finds and reads the plates of images. The text detector gives regions, which are read with the grammar."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np

from containers.car_license_plate import regions
from containers.car_license_plate.agreement import Reading
from containers.car_license_plate.colour import colour, colourless, starts_red
from containers.car_license_plate.grammar import LAYOUTS, Colour, Grammar, best_texts
from containers.car_license_plate.line_readers import LPRReader, PlateNetReader
from containers.car_license_plate.regions import Region
from containers.general_ocr.reader import TextReader
from containers.general_ocr.recognition import ScoredText, crop
from serving.arrays import Floats, Pixels
from serving.weights import Weights

_NO_BOXES = np.zeros((0, 4, 2), np.float32)
_COLOURS_IN_GREY: dict[Colour, tuple[Colour, ...]] = {
    "black": ("blue", "black"),
    "white": ("yellow", "green", "white"),
}
"""The true colours that a black or white plate of a grey image may have, most common first."""


class DetectedPlate(NamedTuple):
    """A plate that was found and read.

    polygon: (4, 2) x and y in pixels of the image, clockwise from the text's top-left.
    valid: True when plates of that colour can have that text.
    """

    text: str
    score: float
    polygon: Floats
    colour: Colour
    valid: bool


class Candidate(NamedTuple):
    """A region that may be a plate, with its texts.

    image: index of the image. texts: the most probable text of each layout. log_probabilities: those of the
    first reader, as `Grammar.log_probabilities` returns them.
    """

    image: int
    region: Region
    texts: list[ScoredText]
    log_probabilities: Floats


class SecondReader(Protocol):
    """A recogniser that rereads the candidates without a sure plate."""

    def can_read(self, rows: int, colour: Colour) -> bool:
        """Tells whether the reader knows plates with this number of rows and this colour."""

    def reread(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[ScoredText]]:
        """Returns the best text of every layout for each line. first: the first reader's readings."""


class PlateReader:
    """Finds and reads plates.

    reader: general_ocr's. second_readers: they reread uncertain plates one after the other.
    """

    MIN_SCORE = 0.3  # score of a plate, at least
    SURE = 0.5  # score from which no second reader is used
    PROMISING = 0.05  # score above which the plate around a text is searched for

    def __init__(self, reader: TextReader, *second_readers: SecondReader) -> None:
        self._reader, self._second_readers = reader, second_readers
        self._grammar = Grammar(reader.characters)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Compiles the networks of either profile for the device."""
        kinds = [kind for kind in (PlateNetReader, LPRReader) if kind.FILE in weights]
        return cls(TextReader.load(weights, device), *(kind.load(weights, device) for kind in kinds))

    def read(self, images: Sequence[Pixels]) -> list[list[DetectedPlate]]:
        """Returns the plates of every (H, W, 3) RGB image, from top to bottom."""
        candidates = self._read_text_regions(images)
        candidates += self._read_coloured_regions(images, candidates)
        plates = self._select_plates(images, candidates)
        for reader in self._second_readers:
            candidates = self._reread_uncertain(reader, images, candidates, plates)
            plates = self._select_plates(images, candidates)
        return plates

    def _read_text_regions(self, images: Sequence[Pixels]) -> list[Candidate]:
        """Reads the regions around text, and returns those with a promising score."""
        boxes = self._detect(images)
        found = [regions.regions(*pair) for pair in zip(images, boxes, strict=True)]
        candidates = self._read_regions(images, found)
        return [one for one in candidates if max(text.score for text in one.texts) > self.PROMISING]

    def _detect(self, images: Sequence[Pixels]) -> list[Floats]:
        """Returns the boxes of text of each image, (K, 4, 2), and none for the crop of a plate."""
        boxes = [_NO_BOXES] * len(images)
        searched = [index for index, image in enumerate(images) if not regions.is_crop(image)]
        found = self._reader.detect([images[index] for index in searched])
        for index, quadrangles in zip(searched, found, strict=True):
            boxes[index] = quadrangles
        return boxes

    def _read_coloured_regions(
        self, images: Sequence[Pixels], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """Reads the coloured plate around each candidate's text, if there is one."""
        polygons = {(one.image, one.region.polygon.tobytes()): one.region.polygon for one in candidates}
        found: list[list[Region]] = [[] for _ in images]
        for (index, _), polygon in polygons.items():
            found[index] += regions.coloured(images[index], polygon)
        return self._read_regions(images, found)

    def _read_regions(self, images: Sequence[Pixels], found: Sequence[Iterable[Region]]) -> list[Candidate]:
        """Reads the regions that were found in each image."""
        places = [(index, region) for index, some in enumerate(found) for region in some]
        lines = [regions.line(images[index], region) for index, region in places]
        probabilities = self._reader.decode_lines(lines, self._grammar.log_probabilities)
        texts = best_texts(probabilities, self.PROMISING)
        return [
            Candidate(index, region, line_texts, line_probabilities)
            for (index, region), line_texts, line_probabilities in zip(
                places, texts, probabilities, strict=True
            )
        ]

    def _reread_uncertain(
        self,
        reader: SecondReader,
        images: Sequence[Pixels],
        candidates: Sequence[Candidate],
        plates: Sequence[list[DetectedPlate]],
    ) -> list[Candidate]:
        """Returns the candidates. Those without a sure plate have the reader's texts, if it can read them."""
        lines: dict[int, Pixels] = {}
        for index, candidate in enumerate(candidates):
            if not self._has_sure_plate(candidate, plates[candidate.image]):
                line = regions.line(images[candidate.image], candidate.region)
                if reader.can_read(len(candidate.region.rows), colour(line)):
                    lines[index] = line
        first = [Reading(candidates[index].log_probabilities, candidates[index].texts) for index in lines]
        texts = dict(zip(lines, reader.reread(list(lines.values()), first), strict=True))
        return [one._replace(texts=texts.get(index, one.texts)) for index, one in enumerate(candidates)]

    def _has_sure_plate(self, candidate: Candidate, plates: Sequence[DetectedPlate]) -> bool:
        """Tells whether a plate with a high score overlaps the candidate's region."""
        polygon = candidate.region.polygon
        return any(plate.score >= self.SURE and _overlap(polygon, plate.polygon) for plate in plates)

    def _select_plates(
        self, images: Sequence[Pixels], candidates: Sequence[Candidate]
    ) -> list[list[DetectedPlate]]:
        """Returns the plates of each image, without overlaps."""
        found: list[list[DetectedPlate]] = [[] for _ in images]
        grey = [colourless(image) for image in images]
        for candidate in candidates:
            plate = self._plate_of(candidate, images[candidate.image], grey=grey[candidate.image])
            if plate is not None:
                found[candidate.image].append(plate)
        return [_without_overlaps(plates) for plates in found]

    def _plate_of(self, candidate: Candidate, image: Pixels, *, grey: bool) -> DetectedPlate | None:
        """Returns the candidate as a plate with its best text, or None when no score is high enough.

        A text that plates of its colour can have is preferred. Other texts count on coloured plates only.
        """
        patch = crop(image, candidate.region.polygon)
        seen, red = colour(patch), starts_red(patch)
        possible = _COLOURS_IN_GREY.get(seen, (seen,)) if grey else (seen,)
        valid: list[tuple[ScoredText, Colour]] = []
        invalid: list[tuple[ScoredText, Colour]] = []
        for layout, text in zip(LAYOUTS, candidate.texts, strict=True):
            if text.score < self.MIN_SCORE or (layout.red and not red):
                continue
            true_colour = next((one for one in possible if one in layout.colours), None)
            if true_colour:
                valid.append((text, true_colour))
            else:
                invalid.append((text, seen))
        chosen = valid or ([] if seen in ("white", "black") else invalid)
        if not chosen:
            return None
        # the score is per character, so this power is the likelihood of the whole text
        best, true_colour = max(chosen, key=lambda pair: pair[0].score ** len(pair[0].text))
        height, width = image.shape[:2]
        polygon = candidate.region.polygon.clip(0, (width, height)).astype(np.float32)
        return DetectedPlate(best.text, best.score, polygon, true_colour, bool(valid))


def _without_overlaps(plates: Iterable[DetectedPlate]) -> list[DetectedPlate]:
    """Retains the best of the plates that overlap, and sorts them from top to bottom."""
    retained: list[DetectedPlate] = []
    for plate in sorted(plates, key=lambda plate: (plate.valid, plate.score), reverse=True):
        if not any(_overlap(plate.polygon, other.polygon) for other in retained):
            retained.append(plate)
    return sorted(retained, key=lambda plate: float(plate.polygon[:, 1].min()))


def _overlap(one: Floats, other: Floats) -> bool:
    """Tells whether the bounding boxes of two polygons share more than a third of the smaller one."""
    low, high = np.maximum(one.min(axis=0), other.min(axis=0)), np.minimum(one.max(axis=0), other.max(axis=0))
    smaller = min(float(np.ptp(polygon, axis=0).prod()) for polygon in (one, other))
    return float(np.maximum(0, high - low).prod()) > smaller / 3
