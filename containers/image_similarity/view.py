"""The view of an image that the descriptor of near-duplicates takes."""

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

SIDE = 133  # px of a view
FLAT = 0.02  # deviation of the brightness (0..1) below which contrast is not stretched in full


def view(image: Pixels) -> Floats:
    """Returns the brightness of an (H, W, 3) RGB image as (1, 133, 133), with mean 0 and deviation near 1."""
    square = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return np.asarray((grey - grey.mean()) / (grey.std() + np.float32(FLAT)), np.float32)[None]
