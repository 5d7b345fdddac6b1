"""Square crops of a photograph, rotated and resized for a network."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

GREY = (123, 117, 104)  # RGB; fills what lies outside the image


class Square(NamedTuple):
    """A square region of an image.

    centre: (2,) x and y, in pixels. side: pixels. angle: radians, clockwise in the image.
    """

    centre: Floats
    side: float
    angle: float = 0.0

    def crop(self, image: Pixels, size: int, border: int = cv2.BORDER_CONSTANT) -> Pixels:
        """Returns the pixels of the square as (size, size, 3).

        border: what lies beyond the image, as OpenCV names it; BORDER_CONSTANT is grey.
        """
        # A much larger square is cut out at a multiple of `size` and then averaged down, to avoid aliasing.
        finer = max(1, int(self.side / size))
        axes = self._axes() * np.float32(finer * size / self.side)
        # Coordinates here refer to the corners of pixels, those of OpenCV to their centres.
        offset = finer * size / 2 - 0.5 - axes @ (self.centre - 0.5)
        matrix = np.column_stack((axes, offset)).astype(np.float64)
        whole = finer * size, finer * size
        turned = cv2.warpAffine(image, matrix, whole, borderMode=border, borderValue=GREY)
        crop = cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA)
        return crop.astype(np.uint8, copy=False)

    def image_points(self, points: Floats, size: int) -> Floats:
        """Maps (..., 2) x and y from pixels of the crop to pixels of the image."""
        axes = self._axes() * np.float32(self.side / size)
        return (points - np.float32(size / 2)) @ axes + self.centre

    def _axes(self) -> Floats:
        """Returns the unit vectors of the crop's axes in the image, as the rows of a (2, 2) array."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array(((cosine, sine), (-sine, cosine)), np.float32)


def batches(crops: Iterable[Pixels], size: int = 16) -> Iterator[Floats]:
    """Yields crops of equal shape as (N, 3, H, W) float32 in 0..255, with N at most `size`."""
    remaining = iter(crops)
    while several := list(islice(remaining, size)):
        yield np.stack(several).transpose(0, 3, 1, 2).astype(np.float32)
