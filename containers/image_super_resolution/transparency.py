"""Pictures that are transparent in places: their colours and their opacity are enlarged apart."""

from typing import cast

import cv2
import numpy as np

from serving.arrays import Pixels

REACH = 8.0  # px around what is visible; farther off nothing shows, and black takes no room in a file


def opaque(colours: Pixels, opacity: Pixels) -> Pixels:
    """(H, W, 3) in which pixels of opacity 0 have the colour of the nearest visible one, or are black.

    The colour under a transparent pixel would otherwise show in the edges of the enlarged picture.
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
    """(scale H, scale W) of an (H, W) opacity, bicubic."""
    size = scale * opacity.shape[1], scale * opacity.shape[0]
    return cast(Pixels, cv2.resize(opacity, size, interpolation=cv2.INTER_CUBIC))
