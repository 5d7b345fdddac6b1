"""Text detection: the input sizes of PP-OCR's segmentation network and its post-processing.

Paper: Real-time Scene Text Detection with Differentiable Binarization (https://arxiv.org/abs/1911.08947).
The constants are those that RapidOCR uses for PP-OCRv6.
"""

from typing import cast

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

from serving.arrays import Floats, Pixels

STRIDE = 32
SHORT_SIDE = 736  # px; a smaller short side is enlarged to it
LONG_SIDE = 2000  # px; a larger long side is reduced to it, before the short side is checked
MAX_PIXELS = 2_400_000  # of the network's input; each needs 0.36 kB of working memory
MAX_ASPECT = 8  # a longer image gets black padding that make its aspect ratio half of this
TEXT_PROBABILITY = 0.3  # of a pixel, to be text
BOX_PROBABILITY = 0.5  # mean over a box, at least
UNCLIP_RATIO = 1.6
MIN_SIDE = 3  # px of the probability map
MAX_CONTOURS = 1000
SAME_LINE = 10  # px of the image; the tops of neighbours in a line differ by less


def network_input(image: Pixels) -> Floats:
    """(H, W, 3) RGB -> (1, 3, H', W') BGR in [-1, 1]. H' and W' are multiples of 32."""
    top, left = padding(*image.shape[:2])
    if top or left:
        image = np.pad(image, ((top, top), (left, left), (0, 0)))
    height, width = network_size(*image.shape[:2])
    blob = cv2.dnn.blobFromImage(image, 1 / 127.5, (width, height), (127.5,) * 3, swapRB=True)
    return cast(Floats, blob)


def padding(height: int, width: int) -> tuple[int, int]:
    """Returns the rows to add above and below, and the columns to add left and right, of a long image."""
    if width > MAX_ASPECT * height:
        return width // MAX_ASPECT - height // 2, 0
    if height > MAX_ASPECT * width:
        return 0, height // MAX_ASPECT - width // 2
    return 0, 0


def network_size(height: int, width: int) -> tuple[int, int]:
    """Returns the height and width of the network's input for an image of this size."""
    if max(height, width) > LONG_SIDE:
        shrink = LONG_SIDE / max(height, width)
        height, width = _round(height * shrink), _round(width * shrink)
    grow = max(1.0, SHORT_SIDE / min(height, width))
    height, width = _round(height * grow), _round(width * grow)
    if height * width > MAX_PIXELS:
        shrink = (MAX_PIXELS / (height * width)) ** 0.5
        height, width = _round(height * shrink), _round(width * shrink)
    return height, width


def _round(length: float) -> int:
    return max(STRIDE, round(int(length) / STRIDE) * STRIDE)


def polygons(probability: Floats, height: int, width: int) -> Floats:
    """Returns the text boxes in reading order, (K, 4, 2) x and y in px of the image, clockwise from top-left.

    probability: the network's output, (H', W'). height, width: size of the image.
    """
    top, left = padding(height, width)
    full = np.array((width + 2 * left, height + 2 * top), np.float32)
    scale = full / np.array(probability.shape[::-1], np.float32)
    found = []
    for box in map_boxes(probability):
        corners = clockwise(np.round(clockwise(box) * scale))
        corners = np.clip(corners - (left, top), 0, (width - 1, height - 1)).astype(np.float32)
        sides = np.linalg.norm(corners[0] - corners[[1, 3]], axis=1)
        if min(sides) >= MIN_SIDE + 1:
            found.append(corners)
    return reading_order(np.array(found, np.float32).reshape(-1, 4, 2))


def map_boxes(probability: Floats) -> list[Floats]:
    """Returns the rectangles around the text of a probability map, (4, 2) in px of the map, in any order."""
    mask = cv2.dilate((probability > TEXT_PROBABILITY).view(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours[:MAX_CONTOURS]:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < MIN_SIDE:
            continue
        box = clockwise(np.asarray(cv2.boxPoints(rectangle), np.float32))
        if mean_inside(probability, box) < BOX_PROBABILITY:
            continue
        rectangle = cv2.minAreaRect(unclip(box))
        if min(rectangle[1]) >= MIN_SIDE + 2:
            found.append(np.asarray(cv2.boxPoints(rectangle), np.float32))
    return found


def unclip(box: Floats) -> NDArray[np.int32]:
    """Grows `box` by area * ratio / perimeter on all sides. The outline, (P, 2), has round corners."""
    distance = cv2.contourArea(box) * UNCLIP_RATIO / cv2.arcLength(box, closed=True)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(box, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return np.array(offset.Execute(distance)[0], np.int32)


def mean_inside(probability: Floats, box: Floats) -> float:
    """Returns the mean probability inside `box`."""
    limit = np.array(probability.shape[::-1]) - 1
    left, top = np.clip(np.floor(box.min(axis=0)).astype(int), 0, limit)
    right, bottom = np.clip(np.ceil(box.max(axis=0)).astype(int), 0, limit)
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(box - (left, top)).astype(np.int32)], 1)
    return cv2.mean(probability[top : bottom + 1, left : right + 1], mask)[0]


def clockwise(corners: Floats) -> Floats:
    """Sorts (4, 2) corners into the order top-left, top-right, bottom-right, bottom-left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    top_left, bottom_left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    top_right, bottom_right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.stack((top_left, top_right, bottom_right, bottom_left))


def reading_order(boxes: Floats) -> Floats:
    """Sorts boxes from top to bottom. Boxes with nearly the same top are sorted from left to right."""
    boxes = boxes[np.argsort(boxes[:, 0, 1], kind="stable")]
    line = np.cumsum(np.diff(boxes[:, 0, 1], prepend=boxes[:1, 0, 1]) >= SAME_LINE)
    return boxes[np.lexsort((boxes[:, 0, 0], line))]
