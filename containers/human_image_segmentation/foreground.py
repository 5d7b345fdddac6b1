"""The people's own colours, without the background that shines through their edges.

Blur-fusion in two passes: Forte, Approximate Fast Foreground Colour Estimation
(https://arxiv.org/abs/2006.14970). Colours are spread on a small copy and corrected at every pixel.
"""

from typing import cast

import cv2
import numpy as np

from containers.human_image_segmentation.tiles import enlarged, tiles
from serving.arrays import Floats, Pixels

SIDE = 512  # longest side of the small copy; 1024 is a level nearer to the truth and four times the work
RADII = (90, 6)  # of the passes, in its pixels; the paper's
_NOTHING = 1e-5


def cut_out(image: Pixels, matte: Pixels) -> Pixels:
    """(H, W, 4) RGBA of a (H, W, 3) RGB image and its (H, W) opacity; what cannot be seen is black."""
    height, width = matte.shape
    near, far = spread(image, matte)
    result = np.dstack((image, matte))
    result[matte == 0] = 0
    for tile in tiles(height, width):
        opacity = matte[tile]
        if np.isin(opacity, (0, 255)).all():
            continue
        share = opacity[..., None].astype(np.float32) / np.float32(255)
        colours = (enlarged(planes, tile, (height, width)) for planes in (near, far))
        result[tile][..., :3] = np.rint(
            corrected(image[tile].astype(np.float32), share, *colours) * (share > 0)
        )
    return result


def spread(image: Pixels, matte: Pixels) -> tuple[Floats, Floats]:
    """Colours of foreground and background, (h, w, 3) 0..255 each, carried to where the other one is."""
    height, width = matte.shape
    shrink = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)[..., None].astype(np.float32) / np.float32(
        255
    )
    near = far = small
    for radius in RADII:
        front, back = _blurred(near, share, radius), _blurred(far, 1 - share, radius)
        near, far = corrected(small, share, front, back), back
    return near, far


def corrected(image: Floats, share: Floats, near: Floats, far: Floats) -> Floats:
    """Foreground colours that, laid over `far` with `share` opacity, come closest to the image. 0..255."""
    missing = image - share * near - (1 - share) * far
    return cast(Floats, (near + share * missing).clip(0, 255))


def _blurred(colours: Floats, share: Floats, radius: int) -> Floats:
    """Mean colour of the square around every pixel, each pixel by its share."""
    window = (2 * radius + 1, 2 * radius + 1)
    weight = cv2.blur(share, window)[..., None]
    return cast(Floats, cv2.blur(colours * share, window) / (weight + _NOTHING))
