"""Finds the regions that may be plates among boxes of text. A plate has one or two rows."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import cv2
import numpy as np

from containers.car_license_plate.colour import colour
from containers.car_license_plate.outline import grown, outline, sides
from containers.general_ocr.detection import clockwise
from containers.general_ocr.recognition import HEIGHT, crop
from serving.arrays import Floats, Pixels

ONE_ROW = (1.5, 6.0)  # width / height of one-row plates; 440 x 140 mm gives 3.1, and less from the side
TWO_ROWS = (1.2, 2.5)  # width / height of two-row plates; 440 x 220 mm gives 2
WHOLE = 1.6  # width / height of an image that may itself be a plate, at least
UPPER = 0.4  # of a two-row plate's height belongs to the upper row
UPPER_WIDTH = 0.6  # factor of the upper row's width, because its characters are printed wide
MARGINS = (0.05, 0.2)  # around an outline, in multiples of its height


class Region(NamedTuple):
    """A place that may be a plate.

    rows: quadrangles of text, (4, 2) clockwise from the top-left. polygon: the quadrangle around all rows.
    """

    rows: tuple[Floats, ...]
    polygon: Floats


def regions(image: Pixels, boxes: Floats) -> Iterator[Region]:
    """Yields the regions that may be plates among text boxes, (K, 4, 2). The whole image may be one too."""
    height, width = image.shape[:2]
    whole = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    for box in (*boxes, whole) if width >= WHOLE * height else boxes:
        yield from _shaped(image, box)
    for upper, lower in _stacked(boxes):
        corners = cv2.boxPoints(cv2.minAreaRect(np.concatenate((upper, lower))))
        yield Region((upper, lower), clockwise(np.asarray(corners, np.float32)))


def is_crop(image: Pixels) -> bool:
    """Tells whether an image is so small that it can only be the crop of a plate, without other text."""
    height, width = image.shape[:2]
    return bool(height <= HEIGHT and ONE_ROW[0] <= width / height <= ONE_ROW[1])


def _shaped(image: Pixels, box: Floats) -> Iterator[Region]:
    """Yields `box` as one row, and as two rows if it has a colour. Its shape must fit each."""
    width, height = sides(box)
    if ONE_ROW[0] <= width / height <= ONE_ROW[1]:
        yield Region((box,), box)
    if TWO_ROWS[0] <= width / height <= TWO_ROWS[1] and colour(crop(image, box)) not in ("white", "black"):
        left, right = box[0] + UPPER * (box[3] - box[0]), box[1] + UPPER * (box[2] - box[1])
        yield Region((np.stack((box[0], box[1], right, left)), np.stack((left, right, box[2], box[3]))), box)


def coloured(image: Pixels, polygon: Floats) -> Iterator[Region]:
    """Yields the regions of the coloured plate around the text in `polygon`, if there is one."""
    found = outline(image, polygon)
    if found is not None:
        for margin in MARGINS:
            yield from _shaped(image, grown(found, margin, margin))


def line(image: Pixels, region: Region) -> Pixels:
    """Returns the text of a region as one upright line. Two rows are put side by side."""
    rows = [crop(image, row, HEIGHT) for row in region.rows]
    if len(rows) == 1:
        return rows[0]
    widths = [max(1, round(HEIGHT * row.shape[1] / row.shape[0])) for row in rows]
    widths[0] = max(1, round(widths[0] * UPPER_WIDTH))
    return cast(
        Pixels, np.hstack([cv2.resize(row, (w, HEIGHT)) for row, w in zip(rows, widths, strict=True)])
    )


def _stacked(boxes: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yields pairs of boxes: a narrower row of two characters directly above a row of five."""
    if not len(boxes):
        return
    width, height = np.array([sides(box) for box in boxes]).T
    centres, down = boxes.mean(axis=1), (boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1]) / 2
    down /= np.maximum(1e-6, np.linalg.norm(down, axis=1, keepdims=True))
    offset = centres[:, None] - centres  # (lower, upper, 2)
    below = (offset * down[:, None]).sum(axis=2) / height[:, None]
    aside = (offset[..., 0] * down[:, None, 1] - offset[..., 1] * down[:, None, 0]) / width[:, None]
    narrower, lower = width / width[:, None], height / height[:, None]
    pairs = (
        (below > 0.5)
        & (below - (1 + lower) / 2 < 0.4)
        & (np.abs(aside) < 0.15)
        & (narrower > 0.3)
        & (narrower < 0.95)
        & (lower > 0.35)
        & (lower < 1.1)
        & ((width / height > 1.5) & (width / height < 6))[:, None]
    )
    for low, up in np.argwhere(pairs):
        yield boxes[up], boxes[low]
