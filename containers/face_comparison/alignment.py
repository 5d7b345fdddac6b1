"""Faces turned, scaled and moved so that eyes, nose and mouth lie where the networks expect them."""

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

SIDE = 112
TEMPLATE: Floats = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    np.float32,
)
"""(5, 2) eyes (left in the image first), nose, mouth corners: ArcFace (https://arxiv.org/abs/1801.07698)."""


def similarity_transform(source: Floats, target: Floats) -> Floats:
    """(2, 3) rotation, scale and shift that bring the (N, 2) points nearest to the target, in least squares.

    Umeyama's solution (https://doi.org/10.1109/34.88573) for the plane: with points as complex numbers it is
    one linear fit, target = a * source + b, which cannot mirror. Not all source points may coincide.
    """
    points, wanted = (pairs.astype(np.float64) @ (1, 1j) for pairs in (source, target))
    centred = points - points.mean()
    a = np.vdot(centred, wanted) / np.vdot(centred, centred).real
    b = wanted.mean() - a * points.mean()
    return np.array([(a.real, -a.imag, b.real), (a.imag, a.real, b.imag)], np.float32)


def align(image: Pixels, points: Floats) -> Pixels:
    """(112, 112, 3) face out of an (H, W, 3) image; black beyond its border. points: (5, 2) as TEMPLATE."""
    matrix = similarity_transform(points, TEMPLATE)
    # a much larger face is cut out larger and averaged down: sampling it alone would alias
    factor = max(1, int(1 / np.hypot(*matrix[:, 0])))
    matrix = factor * matrix
    matrix[:, 2] += (factor - 1) / 2  # the centre of a pixel
    side = factor * SIDE
    face = cv2.warpAffine(image, matrix, (side, side))
    return np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
