"""The texture of what covers the torso: plain, striped or checked, or with another pattern."""

import cv2
import numpy as np

from containers.human_attribute_recognition.judgement import Evidence, Judgement, logistic, usual
from containers.human_attribute_recognition.pose import HIPS, SHOULDERS
from serving.arrays import Floats, Pixels

SIDE = 64
SMALLEST = 24  # px of the torso in the image
INWARD = 0.2  # share of the torso that is left out at its edges
BUSY, BUSY_STEEP = 50.0, 0.04  # contrast at which a texture is as probable as none, levels of 0 to 255
REGULAR, REGULAR_STEEP = 0.3, 14.0  # regularity at which stripes are as probable as a pattern
_SMOOTH = 8  # px; slower changes are folds and light


def judge(person: Evidence) -> Judgement:
    """Returns the shares of pattern, plain, and stripes or checks."""
    if person.pose is None or not person.pose.sees(*SHOULDERS, *HIPS):
        return usual("upper_wear_texture", "the torso is not seen")
    corners = person.pose.points[[SHOULDERS[1], SHOULDERS[0], HIPS[0], HIPS[1]]]
    sides = np.linalg.norm(corners - np.roll(corners, 1, 0), axis=1)
    if sides.min() < SMALLEST / 2 or sides.max() < SMALLEST:
        return usual("upper_wear_texture", "the torso is too small or seen from the side")
    shares = shares_of(torso(person.image, corners))
    return Judgement(shares, "by the pixels of the torso")


def torso(image: Pixels, corners: Floats) -> Pixels:
    """Returns the middle of a quadrilateral, (64, 64, 3). corners: (4, 2), clockwise from the top left."""
    middle = corners.mean(0)
    inner = (middle + (1 - INWARD) * (corners - middle)).astype(np.float32)
    square = np.array(((0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)), np.float32)
    zoom = float(np.linalg.norm(inner[0] - inner[2])) / SIDE
    smooth = cv2.GaussianBlur(image, (0, 0), zoom / 2) if zoom > 2 else image
    matrix = cv2.getPerspectiveTransform(inner, square)
    return np.asarray(
        cv2.warpPerspective(smooth, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def shares_of(patch: Pixels) -> tuple[float, float, float]:
    """Returns the shares of pattern, plain, and stripes or checks in a (64, 64, 3) RGB patch."""
    contrast, regular = measures(patch)
    busy = logistic(BUSY_STEEP * (contrast - BUSY))
    stripes = busy * logistic(REGULAR_STEEP * (regular - REGULAR))
    return busy - stripes, 1 - busy, stripes


def measures(patch: Pixels) -> tuple[float, float]:
    """Returns contrast and regularity.

    contrast: deviation of the details in CIE Lab, 0 to 255. regularity: the part of their spectrum, 0 to 1,
    that lies on its strongest wave.
    """
    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float32)
    details = lab - cv2.GaussianBlur(lab, (0, 0), _SMOOTH)
    contrast = float(np.sqrt((details**2).mean((0, 1)).sum()))
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    spectrum = (np.abs(np.fft.fft2(details * window[..., None], axes=(0, 1))) ** 2).sum(2)
    spectrum[0, 0] = 0
    row, column = np.unravel_index(int(spectrum.argmax()), spectrum.shape)
    around = spectrum[np.ix_(np.arange(row - 1, row + 2) % SIDE, np.arange(column - 1, column + 2) % SIDE)]
    return contrast, float(2 * around.sum() / max(spectrum.sum(), 1e-6))
