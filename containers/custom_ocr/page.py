"""Rectifies the part of a photograph with the fields of a template, so that it looks like the template."""

from typing import NamedTuple, Self, cast

import cv2
import numpy as np

from containers.custom_ocr.alignment import Size, project
from serving.arrays import Floats, Pixels

MARGIN = 0.02  # around the fields, of the template's longest side; the text detector needs some surroundings
LONG_SIDE = 2000  # px; the text detector uses no more


class Page(NamedTuple):
    """A rectified part of a photograph. image: (h, w, 3) RGB. to_template: (3, 3), to px of the template."""

    image: Pixels
    to_template: Floats

    @classmethod
    def of(cls, photograph: Pixels, matrix: Floats, size: Size, fields: Floats) -> Self:
        """Rectifies the part of the photograph with the fields, at the photograph's resolution.

        matrix: (3, 3), from template to photograph. size: of the template. fields: (K, 4, 2) in pixels of the
        template.
        """
        height, width = size
        margin = MARGIN * max(size)
        left, top = np.maximum(fields.min(axis=(0, 1)) - margin, 0)
        right, bottom = np.minimum(fields.max(axis=(0, 1)) + margin, (width, height))
        window = np.array(((left, top), (right, top), (right, bottom), (left, bottom)), np.float32)
        area = cv2.contourArea(project(matrix, window)) / cv2.contourArea(window)
        scale = min(area**0.5, LONG_SIDE / max(right - left, bottom - top))
        to_template = np.array(((1 / scale, 0, left), (0, 1 / scale, top), (0, 0, 1)), np.float32)
        shape = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
        flat = cv2.warpPerspective(
            photograph,
            matrix @ to_template,
            shape,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return cls(cast(Pixels, flat), to_template)
