"""Pictures of any shape for networks that take squares."""

import cv2
import numpy as np

from serving.arrays import Pixels


def letterbox(image: Pixels, side: int, grey: int) -> Pixels:
    """(H, W, 3), undistorted in the top-left corner of a square: its longer side is `side`, the rest grey."""
    zoom = side / max(image.shape[:2])
    height, width = (max(1, round(zoom * length)) for length in image.shape[:2])
    square = np.full((side, side, 3), grey, np.uint8)
    # area is better than bilinear where an image shrinks; where it grows, the two are the same
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return square
