"""How like a template what lies under an alignment looks; a rough alignment is refined by it.

Paper: enhanced correlation coefficient, https://doi.org/10.1109/TPAMI.2008.113 (OpenCV's findTransformECC).
"""

from typing import NamedTuple, Self, cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

SIDES = (160, 400)  # pixels of a look's longest side: first rough, then fine
BLUR = 1.0  # pixels of the look, like the next
NEIGHBOURHOOD = 8.0  # over which light is evened out
NOISE = 3.0  # grey levels that are no contrast
STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
SMOOTHING = 5  # pixels


class Look(NamedTuple):
    """An image made small. grey: (h, w), light and contrast evened. to_image: (3, 3), from its pixels."""

    grey: Floats
    to_image: Floats

    @classmethod
    def of(cls, image: Pixels, side: int) -> Self:
        """Of an (H, W, 3) RGB image, `side` pixels long."""
        height, width = image.shape[:2]
        step = max(height, width) / side
        centre = (step - 1) / 2  # the middle of the first pixel
        to_image = np.array(((step, 0, centre), (0, step, centre), (0, 0, 1)), np.float32)
        return cls(_seen(image, to_image, (round(height / step), round(width / step))), to_image)


def likeness(template: Look, photograph: Pixels, matrix: Floats) -> float:
    """Correlation, -1 to 1, of the template with the photograph under `matrix`, (3, 3) between the two."""
    seen = _seen(photograph, matrix @ template.to_image, template.grey.shape)
    norm = np.linalg.norm(template.grey) * np.linalg.norm(seen)
    return float((template.grey * seen).sum() / max(norm, 1e-6))


def refined(template: Look, photograph: Pixels, matrix: Floats) -> Floats:
    """The matrix nearby under which the two are the most alike; the same where none can be found."""
    seen = _seen(photograph, matrix @ template.to_image, template.grey.shape)
    still, everywhere = np.eye(3, dtype=np.float32), np.full(seen.shape, 255, np.uint8)
    try:
        _, shift = cv2.findTransformECC(
            template.grey, seen, still, cv2.MOTION_HOMOGRAPHY, STEPS, everywhere, SMOOTHING
        )
    except cv2.error:  # does not converge
        return matrix
    return cast(Floats, matrix @ template.to_image @ shift @ np.linalg.inv(template.to_image))


def _seen(image: Pixels, matrix: Floats, shape: tuple[int, ...]) -> Floats:
    """(h, w) grey levels of the image under `matrix`, (3, 3) from there to the image, evened out."""
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
