"""The colours of the people, without the background's colour in half-covered pixels at their edges.

The method is blur-fusion in two passes: Forte, Approximate Fast Foreground Colour Estimation
(https://arxiv.org/abs/2006.14970). Colours are spread on a small copy and corrected at every pixel.
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import ArrayLike

from containers.human_image_segmentation.refinement import enlarged, tiles
from serving.arrays import Floats, Pixels

SIDE = 512  # longest side of the small copy; 1024 is better by one level of 255 and four times the work
RADII = (90, 6)  # blur radius of each pass, in pixels of the small copy; the values of the paper
_EPSILON = 1e-5  # avoids a division by zero


def cut_out(image: Pixels, matte: Pixels) -> Pixels:
    """Returns (H, W, 4) RGBA from an (H, W, 3) RGB image and its (H, W) matte.

    Fully transparent pixels are black.
    """
    height, width = matte.shape
    foreground, background = spread(image, matte)
    result = np.dstack((image, matte))
    result[matte == 0] = 0
    for tile in tiles(height, width):
        if np.isin(matte[tile], (0, 255)).all():
            continue
        opacity = _opacity(matte[tile])
        colours = (enlarged(planes, tile, (height, width)) for planes in (foreground, background))
        result[tile][..., :3] = np.rint(
            corrected(image[tile].astype(np.float32), opacity, *colours) * (opacity > 0)
        )
    return result


def spread(image: Pixels, matte: Pixels) -> tuple[Floats, Floats]:
    """Returns the colours of foreground and background, (h, w, 3) in 0..255 each.

    Each is spread over the area of the other, so that both have a colour at every pixel.
    """
    height, width = matte.shape
    shrink = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    opacity = _opacity(cv2.resize(matte, size, interpolation=cv2.INTER_AREA))
    foreground = background = small
    for radius in RADII:
        foreground = _blurred(foreground, opacity, radius)
        background = _blurred(background, 1 - opacity, radius)
        foreground = corrected(small, opacity, foreground, background)
    return foreground, background


def corrected(image: Floats, opacity: Floats, foreground: Floats, background: Floats) -> Floats:
    """Returns the foreground's colours in 0..255, so that its blend with the background fits the image."""
    missing = image - opacity * foreground - (1 - opacity) * background
    return cast(Floats, (foreground + opacity * missing).clip(0, 255))


def _opacity(matte: ArrayLike) -> Floats:
    """Converts (H, W) 0..255 to (H, W, 1) in 0..1."""
    return np.asarray(matte)[..., None].astype(np.float32) / np.float32(255)


def _blurred(colours: Floats, weights: Floats, radius: int) -> Floats:
    """Returns the weighted mean colour of the square around every pixel."""
    window = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(weights, window)[..., None]
    return cast(Floats, cv2.blur(colours * weights, window) / (total + _EPSILON))
