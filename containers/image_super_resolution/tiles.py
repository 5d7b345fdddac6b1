"""Overlapping tiles of an image, in a few sizes.

Each tile is a core and a margin. The margin is so wide that the network enlarges the core as in the whole
image.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.arrays import Floats, Pixels

LARGEST = 384  # px, the side of a tile; memory grows with its square
STEP = 48  # px between two side lengths; a network meets only seven lengths
MARGIN = 30  # px around a core, a multiple of RLFN's cells of 6; the README gives the error that it leaves


class Tile(NamedTuple):
    """The place of a tile.

    top, left: corner of the core in pixels of the image. height, width: size of the tile with its margins.
    """

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Pixels) -> Floats:
        """Cuts (3, height, width) from an (H, W, 3) image. Beyond its edges the image is mirrored."""
        rows = mirrored(self.top - MARGIN, self.height, image.shape[0])
        columns = mirrored(self.left - MARGIN, self.width, image.shape[1])
        return image[rows[:, None], columns].transpose(2, 0, 1).astype(np.float32)

    def paste(self, enlarged: Floats, target: Pixels, scale: int) -> None:
        """Writes the core of an enlarged tile to its place in the enlarged image.

        enlarged: (3, scale height, scale width) in 0..255.
        """
        core = enlarged[:, scale * MARGIN : -scale * MARGIN, scale * MARGIN : -scale * MARGIN]
        place = target[scale * self.top :, scale * self.left :][: core.shape[1], : core.shape[2]]
        place[:] = np.rint(core[:, : place.shape[0], : place.shape[1]].clip(0, 255)).transpose(1, 2, 0)


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Returns tiles of one size with cores that cover an image of that height and width."""
    (tall, tops), (wide, lefts) = _cores(height), _cores(width)
    return (Tile(top, left, tall, wide) for top in tops for left in lefts)


def _cores(length: int) -> tuple[int, range]:
    """Returns the side of a tile, and the starts of the cores along an image's side of that length."""
    count = math.ceil(length / (LARGEST - 2 * MARGIN))
    side = math.ceil((math.ceil(length / count) + 2 * MARGIN) / STEP) * STEP
    return side, range(0, length, side - 2 * MARGIN)


def mirrored(start: int, count: int, length: int) -> NDArray[np.intp]:
    """Returns the indices start, start + 1, … reflected at both ends into 0..length - 1."""
    last = length - 1
    return last - np.abs(np.arange(start, start + count) % max(1, 2 * last) - last)
