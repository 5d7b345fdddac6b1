"""Determines the colour of a plate."""

from typing import cast

import cv2
import numpy as np

from containers.car_license_plate.grammar import Colour
from serving.arrays import Floats, Pixels

NEUTRAL = 12  # chroma in CIE Lab; white, grey and black have less
COLOURLESS = 3  # chroma; nearly every pixel of an image without colour has less
YELLOW_TO_GREEN = 112  # degrees of hue
RED = 30  # CIE a*; red pixels have more


def colour(plate: Pixels) -> Colour:
    """Returns the colour of a plate that fills the image, (H, W, 3) RGB.

    It depends on the colour of the background, and on whether the background is lighter than the characters.
    The background covers more than half of the plate.
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
    """Tells whether an image, (H, W, 3) RGB, has only shades of grey."""
    _, a, b = cv2.split(lab(cast(Pixels, cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA))))
    return bool(np.percentile(np.hypot(a, b), 98) < COLOURLESS)


def starts_red(plate: Pixels) -> bool:
    """Tells whether the first two characters of a plate are red, as on the plates of the army."""
    start = plate[:, : max(1, plate.shape[1] * 2 // 7)]
    return bool((lab(start)[..., 1] > RED).mean() > 0.05)


def lab(image: Pixels) -> Floats:
    """Converts RGB to CIE Lab: lightness 0..100, a and b about -128..127."""
    return cast(Floats, cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
