"""The colour of a plate."""

from typing import cast

import cv2
import numpy as np

from containers.car_license_plate.grammar import Colour
from serving.arrays import Floats, Pixels

NEUTRAL = 12  # chroma in CIE Lab; white, grey and black stay below
COLOURLESS = 3  # nearly every pixel of a picture without colour stays below
YELLOW_TO_GREEN = 112  # degrees of hue
RED = 30  # CIE a*


def colour(plate: Pixels) -> Colour:
    """By the background, and by whether the characters, which cover less than it, are the lighter.

    plate: (H, W, 3) RGB, filled by it.
    """
    small = cast(Pixels, cv2.resize(plate, (96, 32), interpolation=cv2.INTER_AREA))
    lightness, a, b = cv2.split(lab(small[4:-4, 4:-4]))
    grey = np.round(lightness * 2.55).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    light = grey > threshold
    dark = light.mean() < 0.5
    redness, yellowness = (np.median(channel[light != dark]) for channel in (a, b))
    neutral = np.hypot(redness, yellowness) < NEUTRAL
    if dark:
        return "black" if neutral else "blue"
    if neutral:
        return "white"
    return "yellow" if np.degrees(np.arctan2(yellowness, redness)) % 360 < YELLOW_TO_GREEN else "green"


def colourless(image: Pixels) -> bool:
    """Whether a picture, (H, W, 3) RGB, is but shades of grey."""
    _, a, b = cv2.split(lab(cast(Pixels, cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA))))
    return bool(np.percentile(np.hypot(a, b), 98) < COLOURLESS)


def starts_red(plate: Pixels) -> bool:
    """Whether the first two of its characters are red, as on the plates of the army."""
    start = plate[:, : max(1, plate.shape[1] * 2 // 7)]
    return bool((lab(start)[..., 1] > RED).mean() > 0.05)


def lab(image: Pixels) -> Floats:
    """CIE Lab: lightness 0..100, a and b about -128..127."""
    return cast(Floats, cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
