"""The part of a photograph that holds a template's fields, laid flat as the template shows it."""

from typing import NamedTuple, Self, cast

import cv2
import numpy as np

from containers.custom_ocr.alignment import Size, project
from serving.arrays import Floats, Pixels

MARGIN = 0.02  # of the template's longest side, around the fields: text is found by its surroundings too
LONG_SIDE = 2000  # pixels: what the text detector looks at


class Page(NamedTuple):
    """image: (h, w, 3) RGB. to_template: (3, 3), from its pixels to the template's."""

    image: Pixels
    to_template: Floats

    @classmethod
    def of(cls, photograph: Pixels, matrix: Floats, size: Size, fields: Floats) -> Self:
        """matrix: (3, 3), from template to photograph. size: of the template.

        fields: (K, 4, 2) in pixels of the template. The page is as fine as the photograph.
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
