"""A picture in overlapping tiles of a few sizes, each a whole enough neighbourhood of its core."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.arrays import Floats, Pixels

LARGEST = 384  # px, the side of a tile; memory grows with its square
STEP = 48  # between sides: seven of them are all that a network meets
MARGIN = 30  # px around a core, multiple of RLFN's cells of 6; see the feature's README for what it leaves


class Tile(NamedTuple):
    """top, left: of the core, in pixels of the image. height, width: of the tile, margins included."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Pixels) -> Floats:
        """(3, height, width) of an (H, W, 3) image, which goes on mirrored beyond its edges."""
        rows = mirrored(self.top - MARGIN, self.height, image.shape[0])
        columns = mirrored(self.left - MARGIN, self.width, image.shape[1])
        return image[rows[:, None], columns].transpose(2, 0, 1).astype(np.float32)

    def paste(self, enlarged: Floats, target: Pixels, scale: int) -> None:
        """The core of (3, scale height, scale width), in 0..255, to its place in the enlarged image."""
        core = enlarged[:, scale * MARGIN : -scale * MARGIN, scale * MARGIN : -scale * MARGIN]
        place = target[scale * self.top :, scale * self.left :][: core.shape[1], : core.shape[2]]
        place[:] = np.rint(core[:, : place.shape[0], : place.shape[1]].clip(0, 255)).transpose(1, 2, 0)


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Tiles of one size, whose cores cover an image of that size."""
    (tall, tops), (wide, lefts) = _cores(height), _cores(width)
    return (Tile(top, left, tall, wide) for top in tops for left in lefts)


def _cores(length: int) -> tuple[int, range]:
    """Side of a tile, and where the cores start along an image's side of that length."""
    count = math.ceil(length / (LARGEST - 2 * MARGIN))
    side = math.ceil((math.ceil(length / count) + 2 * MARGIN) / STEP) * STEP
    return side, range(0, length, side - 2 * MARGIN)


def mirrored(start: int, count: int, length: int) -> NDArray[np.intp]:
    """Places start, start + 1, … in 0..length - 1, turning back at both ends."""
    last = length - 1
    return last - np.abs(np.arange(start, start + count) % max(1, 2 * last) - last)
