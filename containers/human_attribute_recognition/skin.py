"""Lengths of sleeves and trousers, from the skin seen along forearms and shins."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from containers.face_detection.detection import Face
from containers.human_attribute_recognition.judgement import Evidence, Judgement, logistic, usual
from containers.human_attribute_recognition.pose import ANKLES, ELBOWS, HIPS, KNEES, WRISTS, Pose
from serving.arrays import Flags, Floats, Pixels

FOREARM, SHIN, ABOVE_KNEE = (0.15, 0.8), (0.15, 0.75), (0.65, 0.95)  # parts of the limbs that are looked at
COLOUR, LIGHTNESS = 14.0, 75.0  # distance from the face's skin, a and b and lightness of CIE Lab, 0 to 255
GREY = 6.0  # distance of a and b from grey, up to which nothing is skin
COLOURLESS = 9.0  # distance of a and b that the lightness does not explain, in an image with few colours
FEWEST = 12  # pixels
HALF, STEEP = 0.22, 6.0  # part of a limb that is skin where both lengths are equally probable
_SAMPLES = 24  # along a limb
_WIDTH = 0.05  # half of the width that is looked at, in lengths of the limb
# skin of all tones in general, a and b of CIE Lab in 8 bits
_ANY_LOW, _ANY_HIGH = (132, 134), (168, 175)


class Limb(NamedTuple):
    """A part of a limb. start, end: indices of points. low, high: shares of the length between them."""

    start: int
    end: int
    low: float
    high: float


class Skin(NamedTuple):
    """The colour of a person's skin. colour: lightness, a and b; None if no face shows it."""

    colour: Floats | None

    def of(self, pixels: Pixels) -> Flags:
        """Marks the skin among (N, 3) RGB pixels."""
        lab = _lab(pixels)
        if self.colour is None:
            return np.asarray(((lab[:, 1:] >= _ANY_LOW) & (lab[:, 1:] <= _ANY_HIGH)).all(1))
        away = lab - self.colour
        near = (np.hypot(away[:, 1], away[:, 2]) < COLOUR) & (np.abs(away[:, 0]) < LIGHTNESS)
        return np.asarray(near & (np.hypot(lab[:, 1] - 128, lab[:, 2] - 128) > GREY))


def sleeves(person: Evidence) -> Judgement:
    """Returns the shares of short and long."""
    limbs = [Limb(elbow, wrist, *FOREARM) for elbow, wrist in zip(ELBOWS, WRISTS, strict=True)]
    return _length(person, "upper_wear", "forearms", limbs)


def trousers(person: Evidence) -> Judgement:
    """Returns the shares of short and long, of trousers or a skirt."""
    shins = [Limb(knee, ankle, *SHIN) for knee, ankle in zip(KNEES, ANKLES, strict=True)]
    if person.pose is not None and not any(person.pose.sees(shin.start, shin.end) for shin in shins):
        shins = [Limb(hip, knee, *ABOVE_KNEE) for hip, knee in zip(HIPS, KNEES, strict=True)]
        return _length(person, "lower_wear", "legs above the knee", shins)
    return _length(person, "lower_wear", "shins", shins)


def skin_of(image: Pixels, face: Face | None) -> Skin:
    """Returns the skin of the face: the median colour between eyes and mouth."""
    if face is None:
        return Skin(None)
    (left, top), (right, bottom) = face.points.min(0), face.points.max(0)
    rows, columns = (
        slice(max(0, int(low)), max(0, int(high)) + 1) for low, high in ((top, bottom), (left, right))
    )
    pixels = image[rows, columns].reshape(-1, 3)
    return Skin(np.median(_lab(pixels), axis=0).astype(np.float32) if len(pixels) >= FEWEST else None)


def is_colourless(image: Pixels, box: Floats) -> bool:
    """Tells whether the person is seen in grey or sepia: the colours then follow from the lightness."""
    left, top, right, bottom = box.astype(int)
    small = cv2.resize(image[top : bottom + 1, left : right + 1], (32, 64), interpolation=cv2.INTER_AREA)
    lab = _lab(np.asarray(small, np.uint8).reshape(-1, 3))
    light, colours = lab[:, 0] / 255, lab[:, 1:]
    terms = np.stack((np.ones_like(light), light, light**2), 1)
    left_over = colours - terms @ np.linalg.lstsq(terms, colours, rcond=None)[0]
    return float(np.percentile(np.linalg.norm(left_over, axis=1), 90)) < COLOURLESS


def _length(person: Evidence, key: str, name: str, limbs: Sequence[Limb]) -> Judgement:
    if person.pose is None:
        return usual(key, "no body is seen")
    if is_colourless(person.image, person.box):
        return usual(key, "the image has no colours")
    skin = skin_of(person.image, person.face)
    parts = [
        float(skin.of(pixels).mean())
        for limb in limbs
        if person.pose.sees(limb.start, limb.end)
        and len(pixels := along(person.image, person.pose, limb)) >= FEWEST
    ]
    if not parts:
        return usual(key, f"{name} are not seen")
    part = float(np.mean(parts))
    steep = STEEP if person.face else STEEP / 2
    short = logistic(steep * (part - HALF))
    source = "like the face" if skin.colour is not None else "of any skin's colour"
    return Judgement((short, 1 - short), f"by {name}: {part:.0%} {source}")


def along(image: Pixels, pose: Pose, limb: Limb) -> Pixels:
    """Returns the (N, 3) pixels along a limb that lie in the image."""
    first, last = pose.points[limb.start], pose.points[limb.end]
    ahead = last - first
    aside = np.array((-ahead[1], ahead[0])) * _WIDTH
    shares = np.linspace(limb.low, limb.high, _SAMPLES)[:, None, None]
    places = first + shares * ahead + np.array((-1, 0, 1))[None, :, None] * aside
    columns, rows = np.rint(places.reshape(-1, 2)).astype(int).T
    height, width = image.shape[:2]
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return np.asarray(image[rows[inside], columns[inside]])


def _lab(pixels: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(pixels[None], cv2.COLOR_RGB2LAB)[0], np.float32)
