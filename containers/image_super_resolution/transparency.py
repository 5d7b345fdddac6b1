"""Helpers for transparent images. Colours and opacity of such an image are enlarged separately."""

from typing import cast

import cv2
import numpy as np

from serving.arrays import Pixels

REACH = 8.0  # px around visible pixels; farther away nothing shows, and black compresses best


def opaque(colours: Pixels, opacity: Pixels) -> Pixels:
    """Returns colours, (H, W, 3), in which pixels of opacity 0 have the colour of the nearest visible pixel.

    Pixels far from any visible one are black. The original colours of transparent pixels would show in the
    edges of the enlarged image.
    """
    hidden = (opacity == 0).astype(np.uint8)
    if hidden.all():
        return np.zeros_like(colours)
    distance, nearest = cv2.distanceTransformWithLabels(
        hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    visible = np.zeros((nearest.max() + 1, 3), np.uint8)
    visible[nearest[hidden == 0]] = colours[hidden == 0]
    return cast(Pixels, visible[nearest] * (distance <= REACH)[..., None])


def enlarged(opacity: Pixels, scale: int) -> Pixels:
    """Enlarges an (H, W) opacity to (scale H, scale W) with bicubic interpolation."""
    size = scale * opacity.shape[1], scale * opacity.shape[0]
    return cast(Pixels, cv2.resize(opacity, size, interpolation=cv2.INTER_CUBIC))
