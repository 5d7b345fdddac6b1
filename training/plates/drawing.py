"""Draws a plate from the front, as masks that get their colours only after they are laid into a picture."""

from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.renders.plate_example import HEIGHT, TALL_HEIGHT, Sample, cells
from serving.arrays import Floats, Pixels
from training.plates.glyphs import HEIGHT as CELL
from training.plates.glyphs import glyphs

PX = CELL / 90  # per millimetre
INK, RED, PLATE, DOWN = range(4)
"""Channels of a drawing: characters and frame, their redness, the plate's area, the share of the way down."""
LOW = 0.72  # smallest height of a Chinese character in cells; on plates they are smaller than the others


class Drawing(NamedTuple):
    """A drawn plate.

    masks: (H, W, 4), by channel. centres: (characters, 2), x and y in px. text: (4, 2), the corners of
    the box around all characters.
    """

    masks: Pixels
    centres: Floats
    text: Floats


def draw(rng: np.random.Generator, sample: Sample) -> Drawing:
    """Draws each character a little displaced and distorted, all in one typeface or each in its own."""
    height, width = TALL_HEIGHT if sample.two_rows else HEIGHT, 480 if len(sample.text) == 8 else 440
    masks = np.zeros((round(height * PX), round(width * PX), 4), np.uint8)
    masks[..., PLATE] = 255
    masks[..., DOWN] = np.linspace(0, 255, len(masks)).astype(np.uint8)[:, None]
    _frame(rng, masks)
    army = sample.colour == "white" and sample.text.isascii()
    share, spread = rng.random(), 0.25 * rng.random()
    boxes = np.array([cell[1:] for cell in cells(sample)], np.float32)
    for index, (character, box) in enumerate(zip(sample.text, boxes, strict=True)):
        faces = glyphs()[character]
        one = faces[int(len(faces) * np.clip(rng.normal(share, spread), 0, 0.999))]
        red = (character in "警领使港澳" and sample.colour == "white") or (army and index < 2)
        tall = 1.0 if character.isascii() else rng.uniform(LOW, 1)
        left, top, width, height = box * PX
        place = np.array((left, top + (1 - tall) / 2 * height, width, tall * height), np.float32)
        area, ink = _placed(rng, masks, one, place)
        area[..., INK] = np.maximum(area[..., INK], ink)
        if red:
            area[..., RED] = 255
    if not sample.two_rows:
        x = (boxes[2, 0] - 17 + rng.normal(0, 1.5)) * PX
        layer = masks[..., INK].copy()
        cv2.circle(layer, (round(x), round(70 * PX)), round(rng.uniform(4, 7) * PX), 255, -1)
        masks[..., INK] = layer
    low, high = boxes[:, :2].min(axis=0) * PX, (boxes[:, :2] + boxes[:, 2:]).max(axis=0) * PX
    text = np.array((low, (high[0], low[1]), high, (low[0], high[1])), np.float32)
    centres = (boxes[:, :2] + boxes[:, 2:] / 2) * np.float32(PX)
    return Drawing(masks, centres.astype(np.float32), text)


def _frame(rng: np.random.Generator, masks: Pixels) -> None:
    """Draws the border and the screws, bright or dark."""
    layer = np.zeros(masks.shape[:2], np.uint8)
    height, width = masks.shape[:2]
    inset = round(rng.uniform(1, 6) * PX)
    if rng.random() < 0.85:
        strength, thick = int(rng.uniform(120, 255)), int(rng.integers(1, 3))
        cv2.rectangle(layer, (inset, inset), (width - 1 - inset, height - 1 - inset), strength, thick)
    if rng.random() < 0.6:
        for x in (0.25, 0.75):
            for y in (14, 126) if rng.random() < 0.6 else (14,):
                place = rng.normal((x * width, y / 140 * height), 3)
                strength, size = int(rng.uniform(0, 255)), int(rng.integers(2, 5))
                cv2.circle(layer, (round(place[0]), round(place[1])), size, strength, -1)
    masks[..., INK] = layer


def _placed(rng: np.random.Generator, masks: Pixels, glyph: Pixels, box: Floats) -> tuple[Pixels, Pixels]:
    """Returns the part of the masks around a box in px, and the glyph at its place in that part."""
    left, top, width, height = box
    rows, columns = glyph.shape
    scale = np.array((width / columns, height / rows)) * rng.normal(1, 0.03, 2)
    shear = rng.normal(0, 0.03)
    matrix = np.array(((scale[0], shear, 0), (0.5 * shear, scale[1], 0)))
    middle = np.array((left + width / 2, top + height / 2)) + rng.normal(0, 0.6, 2)
    x, y = max(0, int(left) - 3), max(0, int(top) - 3)
    size = min(int(width) + 7, masks.shape[1] - x), min(int(height) + 7, masks.shape[0] - y)
    matrix[:, 2] = middle - (x, y) - matrix[:, :2] @ (columns / 2, rows / 2)
    ink = cv2.warpAffine(glyph, matrix, size, flags=cv2.INTER_LINEAR)
    return masks[y : y + size[1], x : x + size[0]], np.asarray(ink, np.uint8)


def in_one_row(rng: np.random.Generator, drawing: Drawing) -> Drawing:
    """Returns the rows of a two-row plate next to each other, as `regions.line` puts them."""
    masks, centres, _ = drawing
    cut, edge = round(len(masks) * rng.uniform(0.36, 0.42)), masks.shape[1]
    crop_upper, crop_lower = (round(rng.uniform(0, mm) * PX) for mm in (100, 18))
    rows = masks[:cut, crop_upper : edge - crop_upper], masks[cut:, crop_lower : edge - crop_lower]
    height = round(HEIGHT * PX)
    widths = [height * row.shape[1] / len(row) for row in rows]
    widths[0] *= 0.6
    sizes = [max(1, round(width)) for width in widths]
    line = np.hstack([cv2.resize(row, (width, height)) for row, width in zip(rows, sizes, strict=True)])
    line[..., DOWN] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    moved = centres.copy()
    moved[:2] = (centres[:2] - (crop_upper, 0)) * (sizes[0] / rows[0].shape[1], height / cut)
    moved[2:] = (centres[2:] - (crop_lower, cut)) * (sizes[1] / rows[1].shape[1], height / len(rows[1]))
    moved[2:, 0] += sizes[0]
    width = line.shape[1]
    whole = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    return Drawing(np.ascontiguousarray(line), moved, whole)
