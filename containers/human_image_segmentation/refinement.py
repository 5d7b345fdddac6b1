"""Refinement of a coarse probability map to a soft matte that follows the edges of the photograph.

The method is the fast guided filter (https://arxiv.org/abs/1505.00996) with a colour guide. In every window
the matte is a linear function of red, green and blue. The functions are fitted on a small copy and applied to
all pixels, tile by tile.
"""

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

FIT_SIDE = 320  # longest side of the small copy; the measured error is the same from 224 to 640 px
FLAT = 1e-5  # a window with a smaller variance of colours in 0..1 has no edge to follow
OPACITY_MARGIN = 0.1  # opacities at most this far from 0 or 1 become 0 or 1
TILE_SIDE = 512

Tile = tuple[slice, slice]
"""The rows and the columns of one tile."""


def matte(image: Pixels, probability: Floats, radius: float) -> Pixels:
    """Returns the opacity of every pixel, (H, W) uint8, for an (H, W, 3) RGB image.

    probability: (h, w) in 0..1, for the same picture at any size.
    radius: largest error of the position of its edges, as a share of the longer side.
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
        result[tile] = np.rint(contrast(opacity, OPACITY_MARGIN) * 255)
    return result


def contrast(values: Floats, sure: float) -> Floats:
    """Stretches values in 0..1 so that `sure` becomes 0 and 1 - `sure` becomes 1."""
    return cast(Floats, ((values - sure) / (1 - 2 * sure)).clip(0, 1))


def fitted(guide: Floats, target: Floats, radius: int) -> Floats:
    """Returns (h, w, 4) factors of red, green and blue, and a constant, that give `target` from `guide`.

    guide: (h, w, 3) in 0..1. target: (h, w) in 0..1.
    """
    mean, mean_target = _mean(guide, radius), _mean(target, radius)
    covariance = _mean(target[..., None] * guide, radius) - mean_target[..., None] * mean
    spread = np.stack([_mean(guide * guide[..., one : one + 1], radius) for one in range(3)], 2)
    spread += np.eye(3, dtype=np.float32) * FLAT - mean[..., None, :] * mean[..., None]
    factors = np.linalg.solve(spread, covariance[..., None])[..., 0]
    constant = mean_target - (factors * mean).sum(2)
    return _mean(np.dstack((factors, constant)), radius)


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Yields the tiles that make up an image of that size.

    Work on tiles limits the memory for a large image. A tile without work costs no time.
    """
    for top in range(0, height, TILE_SIDE):
        for left in range(0, width, TILE_SIDE):
            yield slice(top, min(top + TILE_SIDE, height)), slice(left, min(left + TILE_SIDE, width))


def enlarged(planes: Floats, tile: Tile, size: tuple[int, int]) -> Floats:
    """Returns one tile of (h, w, up to 4) `planes` as if they were resized to `size`, height and width."""
    (rows, columns), (height, width) = tile, size
    down, across = planes.shape[0] / height, planes.shape[1] / width
    # The coordinates are those of the centres of pixels.
    place = np.array(
        [
            [across, 0, (columns.start + 0.5) * across - 0.5],
            [0, down, (rows.start + 0.5) * down - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    target = columns.stop - columns.start, rows.stop - rows.start
    return cast(Floats, cv2.warpAffine(planes, place, target, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _mean(values: Floats, radius: int) -> Floats:
    """Returns the mean of the square around every pixel."""
    return cast(Floats, cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT))
