"""What detectors find, one box for each thing."""

from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Floats, Integers

CANDIDATES = 1000  # the surest boxes of an image; more are not compared


class Detection(NamedTuple):
    """box: (4,) left, top, right, bottom in pixels, inside the image. score: 0 to 1. label: which name."""

    box: Floats
    score: float
    label: int


def surest(boxes: Floats, scores: Floats, labels: Integers, max_overlap: float) -> list[Detection]:
    """Surest first, without those that a surer one of their label overlaps by more (intersection over union).

    boxes: (N, 4) left, top, right, bottom. scores, labels: (N,).
    """
    corner_and_size = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), 1)
    kept = np.asarray(
        cv2.dnn.NMSBoxesBatched(
            corner_and_size.tolist(), scores.tolist(), labels.tolist(), 0.0, max_overlap, top_k=CANDIDATES
        ),
        int,
    )
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return [Detection(boxes[index], float(scores[index]), int(labels[index])) for index in kept]
