"""Bags, phones and other things that a person carries, from the objects that the detector finds."""

from collections.abc import Iterable

import numpy as np

from containers.human_attribute_recognition.judgement import USUAL, Evidence, Judgement
from containers.human_attribute_recognition.pose import HANDS, HIPS, SHOULDERS, WRISTS
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import COCO_NAMES
from serving.arrays import Floats

BAGS = "backpack", "handbag"
PHONES = ("cell phone",)
SPORTS = "frisbee", "baseball bat", "tennis racket"
ITEMS = "handbag", "suitcase", "umbrella", *SPORTS
MIN_SCORE = 0.3
REACH = 0.12  # of the person's height: how far from a hand or the torso a thing may lie
MISSED = 0.6  # how much rarer a thing is than usual when the detector finds none


def bag(person: Evidence) -> Judgement:
    """Returns the shares of with and without."""
    return _judged(person, "bag", BAGS, (*SHOULDERS, *HIPS))


def phone(person: Evidence) -> Judgement:
    """Returns the shares of using and not using. A phone in the hand counts as used."""
    return _judged(person, "cellphone", PHONES, (*WRISTS, *HANDS))


def item(person: Evidence) -> Judgement:
    """Returns the shares of carrying and not carrying."""
    return _judged(person, "carrying_item", ITEMS, (*WRISTS, *HANDS))


def _judged(person: Evidence, key: str, names: tuple[str, ...], points: tuple[int, ...]) -> Judgement:
    found = [thing for thing in person.objects if COCO_NAMES[thing.label] in names]
    own = [thing for thing in found if _is_near(thing, person, points)]
    if not own:
        share = USUAL[key][0] * MISSED
        return Judgement((share, 1 - share), f"no {', '.join(names)} found beside this person")
    best = max(own, key=lambda thing: thing.score)
    share = max(USUAL[key][0], min(0.98, best.score + 0.2))
    return Judgement((share, 1 - share), f"by a {COCO_NAMES[best.label]} with a score of {best.score:.2f}")


def _is_near(thing: Detection, person: Evidence, points: Iterable[int]) -> bool:
    """Tells whether the thing touches one of the points, or without a pose, whether it lies in the box."""
    reach = REACH * float(person.box[3] - person.box[1])
    pose = person.pose
    seen = [pose.points[point] for point in points if pose.sees(point)] if pose is not None else []
    if not seen:
        return _inside(thing.box, person.box) > 0.5
    outside = [np.maximum(thing.box[:2] - point, point - thing.box[2:]).max() for point in seen]
    return bool(min(outside) <= reach)


def _inside(inner: Floats, outer: Floats) -> float:
    """Returns the part of a box that lies in another one."""
    shared = np.minimum(inner[2:], outer[2:]) - np.maximum(inner[:2], outer[:2])
    return float(np.prod(shared.clip(0)) / max(1.0, float(np.prod(inner[2:] - inner[:2]))))
