"""Where a plate may be, given where text is: one row, or two that are read side by side."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import cv2
import numpy as np

from containers.car_license_plate.colour import colour
from containers.car_license_plate.outline import grown, outline, sides
from containers.general_ocr.detection import clockwise
from containers.general_ocr.recognition import HEIGHT, crop
from serving.arrays import Floats, Pixels

ONE_ROW = (1.5, 6.0)  # width / height of the text; 440 x 140 mm is 3.1, seen from the side less
TWO_ROWS = (1.2, 2.5)  # 440 x 220 mm is 2
WHOLE = 1.6  # of an image that may itself be a plate, at least
UPPER = 0.4  # of a two-row plate's height
UPPER_NARROWED = 0.6  # its characters are printed wide
MARGINS = (0.05, 0.2)  # of the height, around an outline


class Region(NamedTuple):
    """rows: quadrangles of text, (4, 2) clockwise from the top-left. polygon: around all of them."""

    rows: tuple[Floats, ...]
    polygon: Floats


def regions(image: Pixels, boxes: Floats) -> Iterator[Region]:
    """Where plates may be among `boxes` of text, (K, 4, 2), of an image, which may itself be one."""
    height, width = image.shape[:2]
    whole = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    for box in (*boxes, whole) if width >= WHOLE * height else boxes:
        yield from shaped(image, box)
    for upper, lower in _stacks(boxes):
        corners = cv2.boxPoints(cv2.minAreaRect(np.concatenate((upper, lower))))
        yield Region((upper, lower), clockwise(np.asarray(corners, np.float32)))


def is_plate(image: Pixels) -> bool:
    """Whether an image is so small that it can only be a plate as a whole; no text need be sought in it."""
    height, width = image.shape[:2]
    return bool(height <= HEIGHT and ONE_ROW[0] <= width / height <= ONE_ROW[1])


def shaped(image: Pixels, box: Floats) -> Iterator[Region]:
    """`box` as one row and, where it has a colour, as two, as far as its shape allows."""
    width, height = sides(box)
    if ONE_ROW[0] <= width / height <= ONE_ROW[1]:
        yield Region((box,), box)
    if TWO_ROWS[0] <= width / height <= TWO_ROWS[1] and colour(crop(image, box)) not in ("white", "black"):
        left, right = box[0] + UPPER * (box[3] - box[0]), box[1] + UPPER * (box[2] - box[1])
        yield Region((np.stack((box[0], box[1], right, left)), np.stack((left, right, box[2], box[3]))), box)


def coloured(image: Pixels, polygon: Floats) -> Iterator[Region]:
    """The regions of the coloured plate around text, if there is one."""
    found = outline(image, polygon)
    if found is not None:
        for margin in MARGINS:
            yield from shaped(image, grown(found, margin, margin))


def line(image: Pixels, region: Region) -> Pixels:
    """The upright text of a region in one row."""
    rows = [crop(image, row, HEIGHT) for row in region.rows]
    if len(rows) == 1:
        return rows[0]
    widths = [max(1, round(HEIGHT * row.shape[1] / row.shape[0])) for row in rows]
    widths[0] = max(1, round(widths[0] * UPPER_NARROWED))
    return cast(
        Pixels, np.hstack([cv2.resize(row, (w, HEIGHT)) for row, w in zip(rows, widths, strict=True)])
    )


def _stacks(boxes: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Pairs of boxes: a narrower row of two characters right above a row of five."""
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
