"""Large images a square at a time, so that memory stays bounded and squares without work cost nothing."""

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from serving.arrays import Floats

Tile = tuple[slice, slice]

SIDE = 512


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Rows and columns of the squares that make up an image of that size."""
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            yield slice(top, min(top + SIDE, height)), slice(left, min(left + SIDE, width))


def enlarged(planes: Floats, tile: Tile, size: tuple[int, int]) -> Floats:
    """That tile of what (h, w, up to 4) `planes` are when resized to that height and width."""
    (rows, columns), (height, width) = tile, size
    down, across = planes.shape[0] / height, planes.shape[1] / width
    # a pixel's place is that of its centre
    place = np.array(
        [
            [across, 0, (columns.start + 0.5) * across - 0.5],
            [0, down, (rows.start + 0.5) * down - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    target = columns.stop - columns.start, rows.stop - rows.start
    return cast(Floats, cv2.warpAffine(planes, place, target, flags=flags, borderMode=cv2.BORDER_REPLICATE))
