"""The side that a person turns to the viewer, from shoulders, hips and face."""

import numpy as np

from containers.human_attribute_recognition.judgement import USUAL, Evidence, Judgement, usual
from containers.human_attribute_recognition.pose import HIPS, SHOULDERS, Pose
from serving.arrays import Floats

CENTRES = np.radians((-90.0, 180.0, 0.0, 90.0))  # left, back, front, right of the viewer
SHARPNESS = 2.5  # of the shares around the angle
HIPS_WEIGHT = 0.5
DEPTH = 0.5  # weight of the depth, which the network only guesses
WITH_FACE = 0.7, 0.05, 2.0, 0.7  # factors when a face is seen, which is mostly seen from the front


def judge(person: Evidence) -> Judgement:
    """Returns the shares of left, back, front and right, as seen by the viewer."""
    if person.pose is None or not person.pose.sees(*SHOULDERS):
        if person.face is None:
            return usual("orientation", "neither shoulders nor a face are seen")
        return _judgement(np.array(USUAL["orientation"]), person, "the face")
    shares = np.exp(SHARPNESS * np.cos(angle(person.pose) - CENTRES))
    return _judgement(shares, person, "shoulders and hips" + (" and the face" if person.face else ""))


def angle(pose: Pose) -> float:
    """Returns how far the body is turned, in radians: 0 to the viewer, positive to the viewer's right.

    A person who faces the viewer has the own left shoulder on the right of the image; one who faces the
    viewer's left has it nearer to the viewer.
    """
    across = _across(pose, SHOULDERS)
    if pose.sees(*HIPS):
        across = across + HIPS_WEIGHT * _across(pose, HIPS)
    return float(np.arctan2(across[1], across[0]))


def _across(pose: Pose, pair: tuple[int, int]) -> Floats:
    """Returns x and depth from the person's right point to the left one, in pixels."""
    left, right = pair
    depth = DEPTH * (pose.depth[left] - pose.depth[right])
    return np.array((pose.points[left, 0] - pose.points[right, 0], depth), np.float32)


def _judgement(shares: Floats, person: Evidence, source: str) -> Judgement:
    if person.face is not None:
        shares = shares * WITH_FACE
    return Judgement(tuple((shares / shares.sum()).tolist()), f"by {source}")
