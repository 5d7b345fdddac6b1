"""Gender, age and glasses, from a person's face."""

import math

import cv2
import numpy as np

from containers.face_detection.crops import Square
from containers.face_detection.detection import Face
from containers.human_attribute_recognition.judgement import USUAL, Evidence, Judgement, logistic, usual
from serving.arrays import Floats, Pixels

GROUPS = 13, 36, 60  # years at which the next group begins
YEARS = 9.0  # deviation of the estimated age
EQUAL = 0.3  # TinyXception's share for a man at which both genders are equally frequent
SIDE = 96  # px of the square in which the eyes are SIDE / 2 apart
EYES = 20.0  # px between the eyes, fewer show no glasses
BRIDGE, TEMPLES, OFFSET = 2.2, 2.0, -8.0  # weights of the edges that glasses have


def gender(person: Evidence) -> Judgement:
    """Returns the shares of male and female: of the appearance, no more."""
    if person.age_gender is None:
        return usual("gender", "no face is seen")
    share = min(max(person.age_gender.male, 1e-4), 1 - 1e-4)
    male = logistic(math.log(share / (1 - share)) - math.log(EQUAL / (1 - EQUAL)))
    return Judgement((male, 1 - male), "by the face")


def age(person: Evidence) -> Judgement:
    """Returns the shares of the four groups."""
    if person.age_gender is None:
        return usual("age", "no face is seen")
    years = person.age_gender.age
    below = [0.0, *(0.5 + 0.5 * math.erf((edge - years) / YEARS / math.sqrt(2)) for edge in GROUPS), 1.0]
    shares = np.diff(below) * 0.9 + np.array(USUAL["age"]) * 0.1
    return Judgement(tuple(shares.tolist()), f"by the face, which looks {years:.0f} years old")


def glasses(person: Evidence) -> Judgement:
    """Returns the shares of with and without."""
    if person.face is None:
        return usual("glasses", "no face is seen")
    if float(np.hypot(*(person.face.points[1] - person.face.points[0]))) < EYES:
        return usual("glasses", "the face is too small")
    bridge, temples = edges(eyes(person.image, person.face))
    share = logistic(BRIDGE * bridge + TEMPLES * temples + OFFSET)
    return Judgement((share, 1 - share), "by the edges between the eyes and beside them")


def eyes(image: Pixels, face: Face) -> Pixels:
    """Returns (96, 96, 3) pixels with the eyes in the middle row, at one and three quarters of the width."""
    left, right = face.points[:2]
    across = right - left
    angle = float(np.arctan2(across[1], across[0]))
    return Square((left + right) / np.float32(2), 2 * float(np.hypot(*across)), angle).crop(image, SIDE)


def edges(square: Pixels) -> tuple[float, float]:
    """Returns how strong horizontal edges are between the eyes and beside them, in units of contrast."""
    grey = cv2.GaussianBlur(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    slopes: Floats = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3))
    contrast = float(grey[20:90, 10:86].std()) + 8
    sides = slopes[40:56, 2:12].max(0).mean() + slopes[40:56, 84:94].max(0).mean()
    return float(slopes[38:56, 42:54].max(0).mean()) / contrast, float(sides) / 2 / contrast
