"""The regions of a photograph that the network sees: one for each person, from detected people and faces."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from containers.face_detection.detector import Face
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import PERSON
from serving.arrays import Floats

# Lowest scores:
PERSON_SCORE = 0.48  # of a person without a face
LARGE_PERSON_SCORE = 0.65  # of one who takes more than `LARGE` of the image; a canyon of folded rock has 0.59
CONFIRMED_PERSON_SCORE = 0.2  # of a person with a face in the box
FACE_SCORE = 0.9  # of a face outside the box of every person
MAX_BOXES = 32  # per image
LARGE = 0.5  # of the area of the image
FILLING = 0.55  # of the height of a region, from which a face fills it
MARGIN = 0.1  # around a box, as a share of its longer side
# The unit of these sizes is the width or height of the face's box.
_BODY = (8, 12)  # largest width and height of a person's box
_CLOSE_UP = 5  # a person's box of at most this height is a close-up, which needs no second region
_PORTRAIT = (2.0, 1.3, 2.0, 4.0)  # from the face's centre to the portrait's left, top, right and bottom


class Region(NamedTuple):
    """A region of an image: left, top, right and bottom in pixels.

    soft: (4,) width of the rim on each side over which a patch fades out; 0 at the edge of the image.
    """

    left: int
    top: int
    right: int
    bottom: int
    soft: Floats

    def window(self, side: int) -> Floats:
        """Returns (side, side) weights: 1 inside, falling to 0 over the soft rim."""
        width, height = self.right - self.left, self.bottom - self.top
        left, top, right, bottom = self.soft
        across, down = _ramp(left / width, right / width, side), _ramp(top / height, bottom / height, side)
        return np.minimum(across, down[:, None])


def people(found: Sequence[Detection], faces: Sequence[Face], area: float) -> list[Floats]:
    """Returns (4,) boxes: people, highest score first, then portraits; at most `MAX_BOXES`.

    A portrait is the head and shoulders of a person whose face is small in the person's box, or who was not
    detected. area: of the image, in pixels.
    """
    boxes: list[Floats] = []
    for box, score, label in found:
        free = [face.box for face in faces if not any(_contains(other, face.box) for other in boxes)]
        has_face = any(_contains(box, face) and _fits(box, face) for face in free)
        alone = LARGE_PERSON_SCORE if np.prod(box[2:] - box[:2]) > LARGE * area else PERSON_SCORE
        if label == PERSON and score >= (CONFIRMED_PERSON_SCORE if has_face else alone):
            boxes.append(box)
    portraits = [_portrait(face.box) for face in faces if _needs_portrait(face, boxes)]
    return [*boxes, *portraits][:MAX_BOXES]


def region(box: Floats, height: int, width: int) -> Region:
    """Returns the region of a box with its margin, inside an image of that size."""
    margin = MARGIN * max(box[2] - box[0], box[3] - box[1])
    corners = box + margin * np.array((-1, -1, 1, 1))
    ends = np.array((0, 0, width, height))
    inside = np.clip(corners, 0, (width, height, width, height))
    left, top = np.floor(inside[:2]).astype(int)
    right, bottom = np.ceil(inside[2:]).astype(int)
    soft = np.where((left, top, right, bottom) == ends, 0, margin / 2).astype(np.float32)
    left, top = min(left, width - 1), min(top, height - 1)
    return Region(int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1)), soft)


def is_filled(one: Region, faces: Sequence[Face]) -> bool:
    """Tells whether a face fills the region, so that neither hair nor shoulders show what it is."""
    sides = np.array((one.left, one.top, one.right, one.bottom), np.float32)
    least = FILLING * (one.bottom - one.top)
    return any(_contains(sides, face.box) and face.box[3] - face.box[1] >= least for face in faces)


def _ramp(start: float, end: float, side: int) -> Floats:
    """Returns (side,) values that rise to 1 over the share `start` and fall to 0 over the share `end`."""
    places = np.linspace(0.5 / side, 1 - 0.5 / side, side, dtype=np.float32)
    return np.minimum(_rise(places, start), _rise(places[::-1], end))


def _rise(places: Floats, share: float) -> Floats:
    # The order of the operations avoids an overflow when the share is tiny.
    rise = np.minimum(places, share) / share if share > 0 else np.ones_like(places)
    return rise.astype(np.float32, copy=False)


def _needs_portrait(face: Face, people_boxes: Sequence[Floats]) -> bool:
    around = [box for box in people_boxes if _contains(box, face.box)]
    if not around:
        return face.score >= FACE_SCORE
    return not any(_is_close_up(box, face.box) for box in around)


def _contains(box: Floats, face: Floats) -> bool:
    """Tells whether the centre of the face lies in the box."""
    x, y = (face[:2] + face[2:]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _fits(box: Floats, face: Floats) -> bool:
    return bool(((box[2:] - box[:2]) <= (face[2:] - face[:2]) * _BODY).all())


def _is_close_up(box: Floats, face: Floats) -> bool:
    return bool(box[3] - box[1] <= (face[3] - face[1]) * _CLOSE_UP)


def _portrait(face: Floats) -> Floats:
    centre, size = (face[:2] + face[2:]) / 2, face[2:] - face[:2]
    reach = np.array(_PORTRAIT, np.float32)
    return np.concatenate((centre - size * reach[:2], centre + size * reach[2:]))
