"""A coarse probability map turned into a soft matte that follows the edges of the photograph.

Fast guided filter (https://arxiv.org/abs/1505.00996) with a colour guide: in every window the matte is a
linear function of red, green and blue. The functions are fitted on a small copy and applied to all pixels.
"""

from typing import cast

import cv2
import numpy as np

from containers.human_image_segmentation.tiles import enlarged, tiles
from serving.arrays import Floats, Pixels

FIT_SIDE = 320  # longest side of the small copy; from 224 to 640 px the error measures the same
FLAT = 1e-5  # variance of colour, of 0..1, below which a window has no edge to follow
SURE = 0.1  # what the fit leaves this near to 0 or 1 is all or nothing


def matte(image: Pixels, probability: Floats, radius: float) -> Pixels:
    """Opacity per pixel, (H, W) uint8, for a (H, W, 3) RGB image.

    probability: (h, w) 0 to 1, for the same picture at any size. radius: how far off its edges may be, as a
    fraction of the longer side.
    """
    height, width = image.shape[:2]
    shrink = min(1.0, FIT_SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    target = cast(Floats, cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR))
    planes = fitted(small, target, max(1, round(radius * max(size))))
    result = np.empty((height, width), np.uint8)
    for tile in tiles(height, width):
        factors = enlarged(planes, tile, (height, width))
        guide = image[tile].astype(np.float32) / 255
        opacity = np.einsum("hwc,hwc->hw", factors[..., :3], guide) + factors[..., 3]
        result[tile] = np.rint(contrast(opacity, SURE) * 255)
    return result


def contrast(values: Floats, sure: float) -> Floats:
    """0..1 stretched so that `sure` becomes 0 and 1 - `sure` becomes 1."""
    return cast(Floats, ((values - sure) / (1 - 2 * sure)).clip(0, 1))


def fitted(guide: Floats, target: Floats, radius: int) -> Floats:
    """(h, w, 4) factors of red, green and blue and a constant that give `target` from `guide`, 0..1 both."""
    mean, mean_target = _mean(guide, radius), _mean(target, radius)
    covariance = _mean(target[..., None] * guide, radius) - mean_target[..., None] * mean
    spread = np.stack([_mean(guide * guide[..., one : one + 1], radius) for one in range(3)], 2)
    spread += np.eye(3, dtype=np.float32) * FLAT - mean[..., None, :] * mean[..., None]
    factors = np.linalg.solve(spread, covariance[..., None])[..., 0]
    constant = mean_target - (factors * mean).sum(2)
    return _mean(np.dstack((factors, constant)), radius)


def _mean(values: Floats, radius: int) -> Floats:
    """Of the square around every pixel."""
    return cast(Floats, cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT))
