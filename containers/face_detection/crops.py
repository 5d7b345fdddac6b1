"""Square pieces of a photograph, turned upright and scaled."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

GREY = (123, 117, 104)


class Square(NamedTuple):
    """A square of an image. centre: (2,) x and y. side: pixels. angle: radians, clockwise as one sees it."""

    centre: Floats
    side: float
    angle: float = 0.0

    def crop(self, image: Pixels, size: int) -> Pixels:
        """What the square shows, (size, size, 3); grey where it reaches beyond the image."""
        finer = max(1, int(self.side / size))  # areas must be averaged where the crop is much smaller
        axes = self._axes() * np.float32(finer * size / self.side)
        # from the corners of pixels, as everywhere else, to their centres, as OpenCV counts
        offset = finer * size / 2 - 0.5 - axes @ (self.centre - 0.5)
        matrix = np.column_stack((axes, offset)).astype(np.float64)
        turned = cv2.warpAffine(image, matrix, (finer * size, finer * size), borderValue=GREY)
        crop = cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA)
        return crop.astype(np.uint8, copy=False)

    def image_points(self, points: Floats, size: int) -> Floats:
        """(..., 2) x and y in pixels of the crop -> of the image."""
        axes = self._axes() * np.float32(self.side / size)
        return (points - np.float32(size / 2)) @ axes + self.centre

    def _axes(self) -> Floats:
        """(2, 2): the crop's unit vectors in the image, as rows."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array(((cosine, sine), (-sine, cosine)), np.float32)


def batches(crops: Iterable[Pixels], size: int = 16) -> Iterator[Floats]:
    """Crops of one size as (N, 3, H, W) float32 in 0..255, at most `size` at a time."""
    remaining = iter(crops)
    while several := list(islice(remaining, size)):
        yield np.stack(several).transpose(0, 3, 1, 2).astype(np.float32)
