"""Evidence about a person, judgements of it, and the usual shares where there is none."""

from typing import NamedTuple

import numpy as np

from containers.face_detection.age_gender import Person as AgeGender
from containers.face_detection.detection import Face
from containers.human_attribute_recognition.pose import Pose
from containers.object_recognition.detection import Detection
from serving.arrays import Floats, Pixels


class Evidence(NamedTuple):
    """The findings of the networks about one person.

    image: (H, W, 3) RGB. box: (4,) left, top, right, bottom in pixels. pose: None where the network sees no
    body. face, age_gender: None where no face belongs to the person. objects: those of the image that may
    belong to people. others: the boxes of the other people.
    """

    image: Pixels
    box: Floats
    pose: Pose | None
    face: Face | None
    age_gender: AgeGender | None
    objects: list[Detection]
    others: list[Floats]


class Judgement(NamedTuple):
    """The shares of an attribute's values, in the order of the table, with sum 1; and how they came about."""

    shares: tuple[float, ...]
    detail: str


USUAL: dict[str, tuple[float, ...]] = {
    "upper_wear": (0.5, 0.5),
    "upper_wear_texture": (0.2, 0.65, 0.15),
    "lower_wear": (0.35, 0.65),
    "glasses": (0.2, 0.8),
    "bag": (0.1, 0.9),
    "headwear": (0.15, 0.85),
    "orientation": (0.1, 0.1, 0.7, 0.1),
    "occlusion": (0.6, 0.1, 0.3),
    "face_mask": (0.97, 0.03),
    "gender": (0.5, 0.5),
    "age": (0.05, 0.35, 0.45, 0.15),
    "smoke": (0.02, 0.98),
    "cellphone": (0.05, 0.95),
    "carrying_item": (0.2, 0.8),
}
"""The shares among people in everyday photographs, in the order of the table. They are rough estimates."""


def usual(key: str, reason: str) -> Judgement:
    """Returns the usual shares of an attribute, for lack of evidence."""
    return Judgement(USUAL[key], f"usual share, because {reason}")


def logistic(value: float) -> float:
    """Returns a share between 0.02 and 0.98, because no rule here is ever surer than that."""
    return float(np.clip(1 / (1 + np.exp(-np.clip(value, -30, 30))), 0.02, 0.98))
