"""Occlusion by other people, from overlapping boxes.

The visibility of the body's points does not tell: in 50 labelled people it was the same for those that are
hidden and those that are not, because arms and crossed legs hide the body too.
"""

import numpy as np

from containers.human_attribute_recognition.judgement import Evidence, Judgement, logistic

PART, STEEP = 0.2, 12.0  # covered part of the box at which occlusion is as probable as none
BY_THINGS = 0.25  # share of people that things hide, which no box shows
HEAVY = 0.15  # part of the occluded people that are hidden heavily
HEAVY_WITHOUT_BODY = 0.4  # the same where the network of points sees no body


def judge(person: Evidence) -> Judgement:
    """Returns the shares of none, heavy and light."""
    covered = _covered(person)
    some = max(BY_THINGS, logistic(STEEP * (covered - PART)))
    heavy = some * (HEAVY if person.pose else HEAVY_WITHOUT_BODY)
    return Judgement((1 - some, heavy, some - heavy), f"by overlapping people: {covered:.0%} of the box")


def _covered(person: Evidence) -> float:
    """Returns the largest part of the box that another person covers, one who stands nearer.

    Who stands nearer reaches lower in the image.
    """
    left, top, right, bottom = person.box
    parts = [0.0]
    for other in person.others:
        if other[3] > bottom:
            shared = np.minimum(other[2:], (right, bottom)) - np.maximum(other[:2], (left, top))
            parts.append(float(np.prod(shared.clip(0)) / max(1.0, (right - left) * (bottom - top))))
    return max(parts)
