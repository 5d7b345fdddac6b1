"""Where in a photograph the people are, and what of it the network is shown."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from containers.face_detection.detector import Face
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import PERSON
from serving.arrays import Floats

SURE_PERSON = 0.65  # a canyon of folded rock scores 0.63
LIKELY_PERSON = 0.2  # enough for a box with a face in it
SURE_FACE = 0.95  # where no person was found
MAX_BOXES = 32
MARGIN = 0.1  # of a box's longer side, on all sides
_BODY = (8, 12)  # a person is at most so many faces wide and high
_CLOSE = 5  # up to so many faces high, a box is a portrait
_PORTRAIT = (2.0, 1.3, 2.0, 4.0)  # from a face's centre to the left, top, right and bottom, in faces


class Region(NamedTuple):
    """left, top, right, bottom in pixels. soft: (4,) width of the rim on each side, 0 at the image's edge."""

    left: int
    top: int
    right: int
    bottom: int
    soft: Floats

    def window(self, side: int) -> Floats:
        """(side, side) 1 inside, falling to 0 over the soft rim."""
        width, height = self.right - self.left, self.bottom - self.top
        left, top, right, bottom = self.soft
        across, down = _ramp(left / width, right / width, side), _ramp(top / height, bottom / height, side)
        return np.minimum(across, down[:, None])


def people(found: Sequence[Detection], faces: Sequence[Face]) -> list[Floats]:
    """Boxes (4,) of persons, surest first, then of heads and shoulders that are a small part of one."""
    boxes: list[Floats] = []
    for box, score, label in found:
        unseen = [face.box for face in faces if not any(_holds(other, face.box) for other in boxes)]
        confirmed = score >= LIKELY_PERSON and any(_holds(box, face) and _fits(box, face) for face in unseen)
        if label == PERSON and (score >= SURE_PERSON or confirmed):
            boxes.append(box)
    around = [[box for box in boxes if _holds(box, face.box)] for face in faces]
    portraits = [
        _portrait(face.box)
        for face, holders in zip(faces, around, strict=True)
        if (holders or face.score >= SURE_FACE) and not any(_is_close(box, face.box) for box in holders)
    ]
    return [*boxes, *portraits][:MAX_BOXES]


def region(box: Floats, height: int, width: int) -> Region:
    """The box with its margin, inside an image of that size."""
    margin = MARGIN * max(box[2] - box[0], box[3] - box[1])
    corners = box + margin * np.array((-1, -1, 1, 1))
    ends = np.array((0, 0, width, height))
    inside = np.clip(corners, 0, (width, height, width, height))
    left, top = np.floor(inside[:2]).astype(int)
    right, bottom = np.ceil(inside[2:]).astype(int)
    soft = np.where((left, top, right, bottom) == ends, 0, margin / 2).astype(np.float32)
    left, top = min(left, width - 1), min(top, height - 1)
    return Region(int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1)), soft)


def _ramp(start: float, end: float, side: int) -> Floats:
    """(side,) from 0 to 1 over the share `start`, and back over the share `end`."""
    places = np.linspace(0.5 / side, 1 - 0.5 / side, side, dtype=np.float32)
    return np.minimum(_rise(places, start), _rise(places[::-1], end))


def _rise(places: Floats, share: float) -> Floats:
    return np.minimum(places / share, 1) if share > 0 else np.ones_like(places)


def _holds(box: Floats, face: Floats) -> bool:
    x, y = (face[:2] + face[2:]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _fits(box: Floats, face: Floats) -> bool:
    return bool(((box[2:] - box[:2]) <= (face[2:] - face[:2]) * _BODY).all())


def _is_close(box: Floats, face: Floats) -> bool:
    return bool(box[3] - box[1] <= (face[3] - face[1]) * _CLOSE)


def _portrait(face: Floats) -> Floats:
    centre, size = (face[:2] + face[2:]) / 2, face[2:] - face[:2]
    reach = np.array(_PORTRAIT, np.float32)
    return np.concatenate((centre - size * reach[:2], centre + size * reach[2:]))
