"""Measures the similarity of a template and a photograph under an alignment, and refines the alignment.

Paper: enhanced correlation coefficient, https://doi.org/10.1109/TPAMI.2008.113 (OpenCV's findTransformECC).
"""

from typing import NamedTuple, Self, cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

SIDES = (160, 400)  # px, longest sides of the thumbnails, first the coarse one and then the fine one
BLUR = 1.0  # px of the thumbnail
NEIGHBOURHOOD = 8.0  # px of the thumbnail; light and contrast are evened out over this distance
NOISE = 3.0  # grey levels; smaller differences are not contrast
STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
SMOOTHING = 5  # px, size of ECC's Gaussian filter


class Thumbnail(NamedTuple):
    """A small copy of an image.

    grey: (h, w), with light and contrast evened out. to_image: (3, 3), from its pixels to the image's.
    """

    grey: Floats
    to_image: Floats

    @classmethod
    def of(cls, image: Pixels, side: int) -> Self:
        """Shrinks an (H, W, 3) RGB image to a longest side of `side` px."""
        height, width = image.shape[:2]
        step = max(height, width) / side
        centre = (step - 1) / 2  # centre of the first pixel
        to_image = np.array(((step, 0, centre), (0, step, centre), (0, 0, 1)), np.float32)
        return cls(_normalised(image, to_image, (round(height / step), round(width / step))), to_image)


def similarity(template: Thumbnail, photograph: Pixels, matrix: Floats) -> float:
    """Returns the correlation, -1 to 1, of the template with the photograph.

    matrix: (3, 3), from template to photograph.
    """
    aligned = _normalised(photograph, matrix @ template.to_image, template.grey.shape)
    norm = np.linalg.norm(template.grey) * np.linalg.norm(aligned)
    return float((template.grey * aligned).sum() / max(norm, 1e-6))


def refined(template: Thumbnail, photograph: Pixels, matrix: Floats) -> Floats:
    """Returns the nearby matrix with the highest similarity, or `matrix` when the search fails."""
    aligned = _normalised(photograph, matrix @ template.to_image, template.grey.shape)
    identity, everywhere = np.eye(3, dtype=np.float32), np.full(aligned.shape, 255, np.uint8)
    try:
        _, shift = cv2.findTransformECC(
            template.grey, aligned, identity, cv2.MOTION_HOMOGRAPHY, STEPS, everywhere, SMOOTHING
        )
    except cv2.error:  # does not converge
        return matrix
    return cast(Floats, matrix @ template.to_image @ shift @ np.linalg.inv(template.to_image))


def _normalised(image: Pixels, matrix: Floats, shape: tuple[int, ...]) -> Floats:
    """Warps an image to (h, w) grey levels and evens out light and contrast. matrix: (3, 3), to the image."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    step = min(max(1.0, float(abs(np.linalg.det(matrix[:2, :2]))) ** 0.5), *image.shape[:2])
    near = cv2.resize(grey, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA).astype(np.float32)
    shift = (1 / step - 1) / 2
    to_near = np.array(((1 / step, 0, shift), (0, 1 / step, shift), (0, 0, 1)), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpPerspective(
        near, to_near @ matrix, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    soft = _blurred(cast(Floats, small), BLUR)
    detail = soft - _blurred(soft, NEIGHBOURHOOD)
    return cast(Floats, detail / np.sqrt(_blurred(detail * detail, NEIGHBOURHOOD) + NOISE**2))


def _blurred(grey: Floats, sigma: float) -> Floats:
    return cast(Floats, cv2.GaussianBlur(grey, (0, 0), sigma))
