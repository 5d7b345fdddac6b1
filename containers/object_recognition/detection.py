"""The parts that detectors share: input squares, detections, and the suppression of overlapping boxes."""

from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Floats, Integers, Pixels

CANDIDATES = 1000  # boxes of an image that are compared, those with the highest scores


class Detection(NamedTuple):
    """An object that a detector found.

    box: (4,) left, top, right, bottom in pixels, inside the image. score: 0 to 1. label: index of its name.
    """

    box: Floats
    score: float
    label: int


def letterbox(image: Pixels, side: int, grey: int) -> Pixels:
    """Puts an (H, W, 3) image undistorted into the top-left corner of a grey square.

    The longer side of the image becomes `side` pixels.
    """
    zoom = side / max(image.shape[:2])
    height, width = (max(1, round(zoom * length)) for length in image.shape[:2])
    square = np.full((side, side, 3), grey, np.uint8)
    # INTER_AREA is better than bilinear when an image shrinks; when it grows, both give the same
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return square


def suppress_overlaps(
    boxes: Floats, scores: Floats, labels: Integers, max_overlap: float, *, across_labels: bool = False
) -> list[Detection]:
    """Returns detections with the highest score first (non-maximum suppression).

    A box is dropped when a box of the same label has a higher score and overlaps it by more than
    `max_overlap` (intersection over union). boxes: (N, 4) left, top, right, bottom. scores, labels: (N,).
    across_labels: compares boxes of different labels too.
    """
    corner_and_size = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), 1)
    groups = [0] * len(labels) if across_labels else labels.tolist()
    kept = np.asarray(
        cv2.dnn.NMSBoxesBatched(
            corner_and_size.tolist(), scores.tolist(), groups, 0.0, max_overlap, top_k=CANDIDATES
        ),
        int,
    )
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return [Detection(boxes[index], float(scores[index]), int(labels[index])) for index in kept]
