"""Finds the outline of a plate with a colour that differs from its surroundings."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from containers.car_license_plate.colour import NEUTRAL, lab
from containers.general_ocr.detection import clockwise
from serving.arrays import Floats, Pixels

HEIGHT = 32  # px, of the text in the patch that is examined
ACROSS, DOWN = 1.0, 0.7  # how far the plate may extend beyond the text, in heights of the text
SIMILAR = 0.5  # of the plate's chroma; a pixel of the plate has more
FULL = 0.85  # of the quadrangle has the plate's colour, at least


def outline(image: Pixels, text: Floats) -> Floats | None:
    """Returns the coloured quadrangle around `text`, both (4, 2) clockwise, or None when there is none."""
    window = grown(text, ACROSS, DOWN)
    width, height = sides(window)
    scale = HEIGHT * (1 + 2 * DOWN) / height
    size = round(width * scale), round(height * scale)
    corners = np.array(((0, 0), (size[0], 0), size, (0, size[1])), np.float32)
    matrix = cv2.getPerspectiveTransform(window, corners)
    patch = cast(Pixels, cv2.warpPerspective(image, matrix, size))
    inner = np.round(cv2.perspectiveTransform(text[None], matrix)[0]).astype(int)
    mask = _colour_mask(patch, slice(*inner[[0, 2], 1]), slice(*inner[[0, 2], 0]))
    if mask is None:
        return None
    hull = cv2.convexHull(cast(NDArray[np.int32], cv2.findNonZero(mask)))
    if len(hull) < 4:
        return None
    found = np.asarray(cv2.approxPolyN(hull, 4, ensure_convex=True), np.float32).reshape(4, 2)
    if mask.sum() < FULL * cv2.contourArea(found):
        return None
    return clockwise(cv2.perspectiveTransform(found[None], np.linalg.inv(matrix))[0].astype(np.float32))


def grown(quadrangle: Floats, across: float, down: float) -> Floats:
    """Moves the sides of a quadrangle, (4, 2) clockwise from top-left, out by multiples of its height."""
    first, second, third, fourth = quadrangle
    along, upright = (second - first + third - fourth) / 2, (fourth - first + third - second) / 2
    length, height = float(np.linalg.norm(along)), float(np.linalg.norm(upright))
    x, y = along * (across * height / max(1e-6, length)), upright * down
    return np.stack((first - x - y, second + x - y, third + x + y, fourth - x + y)).astype(np.float32)


def sides(quadrangle: Floats) -> tuple[float, float]:
    """Returns the width and the height, each at least 1 px."""
    lengths = np.linalg.norm(quadrangle - np.roll(quadrangle, -1, axis=0), axis=1)
    return max(1.0, float(lengths[0]), float(lengths[2])), max(1.0, float(lengths[1]), float(lengths[3]))


def _colour_mask(patch: Pixels, rows: slice, columns: slice) -> Pixels | None:
    """Returns the mask of the part of `patch` that has the main colour of these rows and columns.

    It is None when this colour is neutral.
    """
    ab = lab(patch)[..., 1:]
    inside = ab[rows, columns].reshape(-1, 2)
    chroma = np.linalg.norm(inside, axis=1)
    if not chroma.size:
        return None
    typical = np.median(inside[chroma >= np.median(chroma)], axis=0)
    if np.linalg.norm(typical) < NEUTRAL:
        return None
    a, b = typical / (typical @ typical)
    along, aside = ab @ (a, b), ab @ (-b, a)
    mask = np.pad(((along > SIMILAR) & (np.abs(aside) < along)).astype(np.uint8), 16)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 11), np.uint8))  # closes characters
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))  # removes thin links
    count, parts = cv2.connectedComponents(mask[16:-16, 16:-16])
    sizes = np.bincount(parts[rows, columns].ravel(), minlength=count)
    sizes[0] = 0
    return (parts == sizes.argmax()).astype(np.uint8) if sizes.any() else None
