"""Prepares templates, finds them in photographs, and reads their fields for a whole batch at once."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import cv2
import numpy as np

from containers.custom_ocr.alignment import (
    Features,
    Matches,
    Size,
    features,
    fit_homography,
    match_features,
    match_texts,
    project,
)
from containers.custom_ocr.fields import Value, parts, value_of
from containers.custom_ocr.page import Page
from containers.custom_ocr.similarity import SIDES, Thumbnail, refined, similarity
from containers.custom_ocr.template import Template
from containers.general_ocr.reader import Line, TextReader
from containers.general_ocr.recognition import crop
from serving.arrays import Floats, Pixels
from serving.errors import NotFound

ENOUGH_SUPPORT = 200  # matches; a homography with this many is exact to a pixel
MIN_SIMILARITY = 0.4  # other documents have at most 0.2, the right ones at least 0.6


class FieldReading(NamedTuple):
    """A field that was read in a photograph. corners: (4, 2) in pixels of the photograph."""

    name: str
    corners: Floats
    value: Value


class PreparedTemplate(NamedTuple):
    """A template with everything that a query needs.

    names, corners: of its fields; corners has shape (K, 4, 2). anchors: the text and (4, 2) corners of lines.
    """

    names: tuple[str, ...]
    corners: Floats
    anchors: tuple[tuple[str, Floats], ...]
    size: Size
    features: Features
    thumbnails: tuple[Thumbnail, ...]

    @classmethod
    def of(cls, template: Template) -> Self:
        """Prepares a template. Raises `NotFound` when its image is damaged."""
        image = cv2.imdecode(np.frombuffer(template.image, np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise NotFound("template_id: the template is damaged; add it again")
        pixels = image.astype(np.uint8, copy=False)
        return cls(
            tuple(field.name for field in template.fields),
            np.array([field.corners for field in template.fields], np.float32),
            tuple((anchor.text, np.array(anchor.corners, np.float32)) for anchor in template.anchors),
            (image.shape[0], image.shape[1]),
            features(pixels),
            tuple(Thumbnail.of(pixels, side) for side in SIDES),
        )

    def align(self, image: Pixels) -> Floats | None:
        """Finds the template in an (H, W, 3) RGB image by local features.

        Returns the homography, (3, 3) from template to image, or None when no reliable one exists.
        """
        return self._checked(match_features(self.features, features(image)), image)

    def align_by_texts(self, image: Pixels, lines: Sequence[Line]) -> Floats | None:
        """Finds the template by the lines that were read in the image. Returns the same as `align`."""
        return self._checked(match_texts(self.anchors, [(line.text, line.polygon) for line in lines]), image)

    def _checked(self, matches: Matches, image: Pixels) -> Floats | None:
        """Fits a homography to the matches, refines it, and returns it if the images are similar under it."""
        fitted = fit_homography(matches, self.size, image.shape[:2])
        if fitted is None:
            return None
        matrix = fitted.matrix
        if fitted.support < ENOUGH_SUPPORT:
            for thumbnail in self.thumbnails:
                matrix = refined(thumbnail, image, matrix)
        return matrix if similarity(self.thumbnails[-1], image, matrix) >= MIN_SIMILARITY else None


class AlignedPhotograph(NamedTuple):
    """A photograph in which a template was found.

    image: (H, W, 3) RGB. matrix: (3, 3), from template to photograph.
    """

    template: PreparedTemplate
    image: Pixels
    matrix: Floats


def read_fields(reader: TextReader, photographs: Sequence[AlignedPhotograph]) -> list[list[FieldReading]]:
    """Returns the fields of every photograph, in the order of its template.

    Lines are detected in the rectified page, cut at the edges of fields, and recognised in the photograph.
    """
    line_parts = _line_parts(reader, photographs)
    crops = [
        crop(photograph.image, project(photograph.matrix, part))
        for photograph, fields in zip(photographs, line_parts, strict=True)
        for field in fields
        for part in field
    ]
    texts = iter(reader.recognise(crops))
    readings = []
    for photograph, fields in zip(photographs, line_parts, strict=True):
        values = [value_of([next(texts) for _ in field], reader.MIN_SCORE) for field in fields]
        corners = project(photograph.matrix, photograph.template.corners)
        named = zip(photograph.template.names, corners, values, strict=True)
        readings.append([FieldReading(*field) for field in named])
    return readings


def _line_parts(reader: TextReader, photographs: Sequence[AlignedPhotograph]) -> list[list[list[Floats]]]:
    """Returns the parts of lines in each photograph and field, (4, 2) in pixels of the template."""
    pages = [Page.of(one.image, one.matrix, one.template.size, one.template.corners) for one in photographs]
    found = reader.detect([page.image for page in pages])
    return [
        [parts(project(page.to_template, lines), field) for field in photograph.template.corners]
        for photograph, page, lines in zip(photographs, pages, found, strict=True)
    ]
