"""What RetinaFace is shown of a photograph, and the faces in what it answers.

It finds faces of 10 to 250 pixels and breaks larger ones into pieces, so a photograph is shown in two sizes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Flags, Floats, Pixels

FINE, COARSE = 1280, 320  # longest side in the two sizes; nothing is enlarged
LARGE = 200  # pixels: from this width of the fine view on, a face is the coarse view's
STRIDE = 32
MEANS = (104, 117, 123)  # blue, green, red
OVERLAP = 0.4  # intersection over union from which two boxes are the same face
INSIDE = 0.55  # share of a box in a larger one from which it is a piece of that face
MAX_BOXES = 2000


class Face(NamedTuple):
    """box: (4,) left, top, right, bottom in pixels of the image, which it may exceed. score: 0 to 1.

    points: (5, 2) x and y in pixels: eyes (the one on the image's left first), nose, mouth corners.
    """

    box: Floats
    score: float
    points: Floats

    @property
    def centre(self) -> Floats:
        """(2,) x and y of the box's middle."""
        return (self.box[:2] + self.box[2:]) / np.float32(2)

    @property
    def size(self) -> float:
        """The longer side of the box."""
        return float((self.box[2:] - self.box[:2]).max())


def factors(image: Pixels) -> tuple[float, ...]:
    """By which the image is scaled for the network: the fine view and, if it is larger, the coarse one."""
    longest = max(image.shape)
    fine = min(1.0, FINE / longest)
    return (fine, COARSE / longest) if fine * longest > COARSE else (fine,)


def view(image: Pixels, factor: float) -> Floats:
    """The image scaled, as `network_input`."""
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return network_input(scaled.astype(np.uint8, copy=False))


def network_input(image: Pixels) -> Floats:
    """(H, W, 3) RGB -> (1, 3, H', W') BGR minus the means; sides are filled with means to multiples of 32."""
    height, width = image.shape[:2]
    framed = np.zeros((1, 3, -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE), np.float32)
    framed[..., :height, :width] = cv2.dnn.blobFromImage(image, mean=MEANS, swapRB=True)
    return framed


def likely(anchors: Floats, min_score: float) -> Floats:
    """Rows of the network's (A, 15) that may be faces, best first, copied; `MAX_BOXES` at most."""
    rows = anchors[anchors[:, 4] >= min_score]
    return rows[np.argsort(-rows[:, 4], kind="stable")[:MAX_BOXES]]


def faces(views: Sequence[Floats], scales: Sequence[float]) -> list[Face]:
    """The faces among the `likely` rows of each view of an image, best first. scales: its `factors`."""
    if len(views) == 2:
        fine, coarse = views
        zoom = scales[0] / scales[1]
        # a face near the limit is found in both views: the boxes overlap
        views = fine[_widths(fine) < LARGE], coarse[_widths(coarse) * zoom >= 0.8 * LARGE]
    rows = np.concatenate([_unscaled(rows, scale) for rows, scale in zip(views, scales, strict=True)])
    boxes = np.concatenate((rows[:, :2], rows[:, 2:4] - rows[:, :2]), 1)  # left, top, width, height
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), rows[:, 4].tolist(), 0.0, OVERLAP)
    rows = rows[np.asarray(kept, int)]
    return [Face(row[:4], float(row[4]), row[5:].reshape(5, 2)) for row in rows[~_pieces(rows)]]


def _pieces(rows: Floats) -> Flags:
    """Which of the (K, 15) rows lie inside a larger one that is at least nearly as sure."""
    boxes, scores = rows[:, :4], rows[:, 4]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    shared = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(boxes[:, None, :2], boxes[:, :2])
    inside = np.prod(shared.clip(0), axis=2) > INSIDE * areas[:, None]
    swallows = (areas > areas[:, None]) & (scores > scores[:, None] - 0.05)
    pieces: Flags = (inside & swallows).any(axis=1)
    return pieces


def _widths(rows: Floats) -> Floats:
    return rows[:, 2] - rows[:, 0]


def _unscaled(rows: Floats, scale: float) -> Floats:
    """Rows in pixels of the image."""
    return np.concatenate((rows[:, :4] / scale, rows[:, 4:5], rows[:, 5:] / scale), 1, dtype=np.float32)
