"""The steps before and after RetinaFace: scaled views of a photograph, and faces from the network's output.

RetinaFace finds faces of about 16 to 250 pixels and breaks larger ones into pieces. Therefore it sees a
photograph in two sizes, a fine view and a coarse one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Flags, Floats, Pixels

FINE, COARSE = 1280, 320  # longest side of the two views in pixels; an image is never enlarged
LARGE = 200  # width in pixels of the fine view; wider faces are taken from the coarse view
STRIDE = 32  # the sides of the network's input are multiples of it
MEANS = (104, 117, 123)  # blue, green, red
OVERLAP = 0.4  # intersection over union above which two boxes are the same face
INSIDE = 0.55  # a box with a larger share of its area inside a larger box is a piece of that face
MAX_BOXES = 2000


class Face(NamedTuple):
    """A detected face.

    box: (4,) left, top, right, bottom in pixels of the image. It may reach beyond the image. score: 0 to 1.
    points: (5, 2) x and y in pixels: eyes (the one on the left of the image first), nose, mouth corners.
    """

    box: Floats
    score: float
    points: Floats

    @property
    def centre(self) -> Floats:
        """The centre of the box, (2,) x and y, in pixels."""
        return (self.box[:2] + self.box[2:]) / np.float32(2)

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        return float((self.box[2:] - self.box[:2]).max())

    @property
    def angle(self) -> float:
        """The angle by which the face is rotated, in radians, clockwise in the image.

        It also uses the direction from eyes to mouth, because in profile the direction from eye to eye is
        unreliable.
        """
        left_eye, right_eye, _, left_mouth, right_mouth = self.points
        x, y = (left_mouth + right_mouth - left_eye - right_eye) / 2
        across, down = right_eye - left_eye + right_mouth - left_mouth + (y, -x)
        return float(np.arctan2(down, across))


def factors(image: Pixels) -> tuple[float, ...]:
    """Returns the scale of the fine view and, if that view is larger than `COARSE`, of the coarse one."""
    longest = max(image.shape)
    fine = min(1.0, FINE / longest)
    return (fine, COARSE / longest) if fine * longest > COARSE else (fine,)


def view(image: Pixels, factor: float) -> Floats:
    """Returns the `network_input` of the image scaled by `factor`."""
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return network_input(scaled.astype(np.uint8, copy=False))


def network_input(image: Pixels) -> Floats:
    """Returns (1, 3, H', W') BGR minus the means from (H, W, 3) RGB, padded with zeros to multiples of 32."""
    height, width = image.shape[:2]
    framed = np.zeros((1, 3, -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE), np.float32)
    framed[..., :height, :width] = cv2.dnn.blobFromImage(image, mean=MEANS, swapRB=True)
    return framed


def likely(anchors: Floats, min_score: float) -> Floats:
    """Returns a copy of the (A, 15) rows with at least `min_score`, highest first; at most `MAX_BOXES`."""
    rows = anchors[anchors[:, 4] >= min_score]
    return rows[np.argsort(-rows[:, 4], kind="stable")[:MAX_BOXES]]


def faces(views: Sequence[Floats], scales: Sequence[float]) -> list[Face]:
    """Returns the faces of one image, highest score first, each once.

    views: the `likely` rows of each view. scales: the image's `factors`.
    """
    if len(views) == 2:
        fine, coarse = views
        zoom = scales[0] / scales[1]
        # The ranges overlap, so that no face near the limit is lost. Suppression removes the second box.
        views = fine[_widths(fine) < LARGE], coarse[_widths(coarse) * zoom >= 0.8 * LARGE]
    rows = np.concatenate([_unscaled(rows, scale) for rows, scale in zip(views, scales, strict=True)])
    boxes = np.concatenate((rows[:, :2], rows[:, 2:4] - rows[:, :2]), 1)  # left, top, width, height
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), rows[:, 4].tolist(), 0.0, OVERLAP)
    rows = rows[np.asarray(kept, int)]
    return [Face(row[:4], float(row[4]), row[5:].reshape(5, 2)) for row in rows[~_pieces(rows)]]


def _pieces(rows: Floats) -> Flags:
    """Marks those of the (K, 15) rows that lie inside a larger one with a score at most 0.05 lower."""
    boxes, scores = rows[:, :4], rows[:, 4]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    shared = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(boxes[:, None, :2], boxes[:, :2])
    inside = np.prod(shared.clip(0), axis=2) > INSIDE * areas[:, None]
    outranked = (areas > areas[:, None]) & (scores > scores[:, None] - 0.05)
    pieces: Flags = (inside & outranked).any(axis=1)
    return pieces


def _widths(rows: Floats) -> Floats:
    return rows[:, 2] - rows[:, 0]


def _unscaled(rows: Floats, scale: float) -> Floats:
    """Converts the coordinates of rows from pixels of a view to pixels of the image."""
    return np.concatenate((rows[:, :4] / scale, rows[:, 4:5], rows[:, 5:] / scale), 1, dtype=np.float32)
