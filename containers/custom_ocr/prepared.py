"""A template at work: found in photographs, and its fields read, for a whole batch at once."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import cv2
import numpy as np

from containers.custom_ocr.alignment import (
    Features,
    Matches,
    Size,
    features,
    homography,
    match_features,
    match_texts,
    project,
)
from containers.custom_ocr.fields import Value, parts, value_of
from containers.custom_ocr.likeness import SIDES, Look, likeness, refined
from containers.custom_ocr.page import Page
from containers.custom_ocr.template import Template
from containers.general_ocr.reader import Line, TextReader
from containers.general_ocr.recognition import crop
from serving.arrays import Floats, Pixels
from serving.errors import NotFound

MUCH_SUPPORT = 200  # matches; with as many a homography is exact to a pixel
MIN_LIKENESS = 0.4  # other documents reach 0.2, the right ones 0.6


class Filled(NamedTuple):
    """A field in a photograph. corners: (4, 2) in its pixels."""

    name: str
    corners: Floats
    value: Value


class Form(NamedTuple):
    """A template made ready. corners: (K, 4, 2) of its fields. anchors: text and (4, 2) corners each."""

    names: tuple[str, ...]
    corners: Floats
    anchors: tuple[tuple[str, Floats], ...]
    size: Size
    features: Features
    looks: tuple[Look, ...]

    @classmethod
    def of(cls, template: Template) -> Self:
        """Raises `NotFound` where the image is damaged."""
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
            tuple(Look.of(pixels, side) for side in SIDES),
        )

    def find(self, image: Pixels) -> Floats | None:
        """(3, 3) from the form to the (H, W, 3) RGB image, by local features; None where none is reliable."""
        return self._checked(match_features(self.features, features(image)), image)

    def find_by_texts(self, image: Pixels, lines: Sequence[Line]) -> Floats | None:
        """As `find`, by what was read in the image."""
        return self._checked(match_texts(self.anchors, [(line.text, line.polygon) for line in lines]), image)

    def _checked(self, matches: Matches, image: Pixels) -> Floats | None:
        rough = homography(matches, self.size, image.shape[:2])
        if rough is None:
            return None
        matrix = rough.matrix
        if rough.support < MUCH_SUPPORT:
            for look in self.looks:
                matrix = refined(look, image, matrix)
        return matrix if likeness(self.looks[-1], image, matrix) >= MIN_LIKENESS else None


class Sheet(NamedTuple):
    """A photograph, (H, W, 3) RGB, and the form in it. matrix: (3, 3), from the form to the photograph."""

    form: Form
    image: Pixels
    matrix: Floats


def read(reader: TextReader, sheets: Sequence[Sheet]) -> list[list[Filled]]:
    """The fields of every sheet, in its form's order.

    Lines are found on the page laid flat, cut where a field ends, and read from the photograph itself.
    """
    pages = [Page.of(sheet.image, sheet.matrix, sheet.form.size, sheet.form.corners) for sheet in sheets]
    found = reader.detect([page.image for page in pages])
    fields = [
        [parts(project(page.to_template, lines), field) for field in sheet.form.corners]
        for sheet, page, lines in zip(sheets, pages, found, strict=True)
    ]
    crops = [
        crop(sheet.image, project(sheet.matrix, part))
        for sheet, each in zip(sheets, fields, strict=True)
        for field in each
        for part in field
    ]
    texts = iter(reader.recognise(crops))
    return [
        [
            Filled(name, corners, value_of([next(texts) for _ in field], reader.MIN_SCORE))
            for name, corners, field in zip(
                sheet.form.names, project(sheet.matrix, sheet.form.corners), each, strict=True
            )
        ]
        for sheet, each in zip(sheets, fields, strict=True)
    ]
