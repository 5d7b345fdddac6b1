"""The people of an image: which are chosen, and what is said about them. Both profiles use it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from containers.human_attribute_recognition.attributes import Attribute
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import PERSON
from serving.arrays import Floats

NEAR = 0.03  # a box this share of its height away from an edge of the image counts as 0 % truncated
BY_THE_FRAME = "by the distance of the box from the edge of the image"


class Person(NamedTuple):
    """A person in an image.

    box, score: the same as in `Detection`. scores: percentages by attribute and value, in the table's order.
    details: for each attribute, how it was judged.
    """

    box: Floats
    score: float
    scores: list[list[float]]
    details: list[str]


class Limits(NamedTuple):
    """The limits on the people of an image: their number, and the lowest score."""

    max_people: int
    min_confidence: float


def chosen(detections: Sequence[Detection], limits: Limits) -> list[Detection]:
    """Returns the people among the detections of an image that are within the limits."""
    people = [one for one in detections if one.label == PERSON and one.score >= limits.min_confidence]
    return people[: limits.max_people]


def truncation(attribute: Attribute, box: Floats, height: int) -> list[float]:
    """Returns the percentages of a pair of values, one of which applies when the box reaches an edge."""
    gaps = {"top": box[1], "bottom": height - box[3]}
    edge = next(value.touches for value in attribute.values if value.touches)
    reached = float(np.clip(1 - gaps[edge] / (NEAR * (box[3] - box[1])), 0, 1))
    return [round(100 * (reached if value.touches else 1 - reached), 2) for value in attribute.values]
