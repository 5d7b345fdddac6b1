"""The recogniser of the profile `lite`: networks find what rules then judge."""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from containers.face_detection.age_gender import AgeGender
from containers.face_detection.detection import Face
from containers.face_detection.mtcnn import Mtcnn
from containers.human_attribute_recognition import carried, face, occlusion, orientation, skin, texture
from containers.human_attribute_recognition.attributes import ATTRIBUTES
from containers.human_attribute_recognition.judgement import Evidence, Judgement, usual
from containers.human_attribute_recognition.people import BY_THE_FRAME, Limits, Person, chosen, truncation
from containers.human_attribute_recognition.pose import NOSE, Pose, PoseNetwork
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import PERSON
from containers.object_recognition.nanodet import NanoDet
from serving.arrays import Floats, Pixels
from serving.weights import Weights

BODY = 0.5  # score from which a pose counts
FACE = 0.9  # score from which a face counts
FARTHEST = 1.5  # distance from the head at which a face is another person's, in sides of the face
_UNSEEN = "nothing that this profile finds shows it"

RULES: Mapping[str, Callable[[Evidence], Judgement]] = {
    "upper_wear": skin.sleeves,
    "upper_wear_texture": texture.judge,
    "lower_wear": skin.trousers,
    "glasses": face.glasses,
    "bag": carried.bag,
    "orientation": orientation.judge,
    "occlusion": occlusion.judge,
    "gender": face.gender,
    "age": face.age,
    "cellphone": carried.phone,
    "carrying_item": carried.item,
}
"""The rules by attribute. An attribute without a rule gets its usual share, or is decided by the frame."""


class LiteRecogniser:
    """Recognises the attributes of people."""

    def __init__(self, detector: NanoDet, pose: PoseNetwork, faces: Mtcnn, age_gender: AgeGender) -> None:
        self._detector, self._pose, self._faces, self._age_gender = detector, pose, faces, age_gender

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(
            NanoDet.load(weights, device),
            PoseNetwork.load(weights, device),
            Mtcnn.load(weights, device),
            AgeGender.load(weights, device),
        )

    def recognise(self, images: Sequence[Pixels], limits: Sequence[Limits]) -> list[list[Person]]:
        """Returns the people of every (H, W, 3) RGB image within its limits, highest score first."""
        lowest = min([carried.MIN_SCORE, *(one.min_confidence for one in limits)])
        found = self._detector.detect(images, min_score=lowest)
        return [self._of_image(*each) for each in zip(images, found, limits, strict=True)]

    def _of_image(self, image: Pixels, found: list[Detection], limits: Limits) -> list[Person]:
        people = chosen(found, limits)
        if not people:
            return []
        evidence = self._evidence(image, people, found)
        return [_person(one, known) for one, known in zip(people, evidence, strict=True)]

    def _evidence(self, image: Pixels, people: list[Detection], found: list[Detection]) -> list[Evidence]:
        boxes = [person.box for person in people]
        poses = self._pose.find([(image, box) for box in boxes])
        faces = own_faces(self._faces.detect([image], [FACE])[0], boxes, list(map(head, boxes, poses)))
        shown = [one for one in faces if one]
        estimates = iter(self._age_gender.estimate([(image, one) for one in shown]))
        objects = [one for one in found if one.label != PERSON and one.score >= carried.MIN_SCORE]
        return [
            Evidence(
                image=image,
                box=box,
                pose=pose if pose.score >= BODY else None,
                face=own,
                age_gender=next(estimates) if own else None,
                objects=objects,
                others=[other for other in boxes if other is not box],
            )
            for box, pose, own in zip(boxes, poses, faces, strict=True)
        ]


def head(box: Floats, pose: Pose) -> Floats:
    """Returns where the head of a person probably is, (2,) in pixels: the nose, or the top of the box."""
    if pose.score >= BODY and pose.sees(NOSE):
        return np.asarray(pose.points[NOSE])
    left, top, right, _ = box
    return np.array(((left + right) / 2, top + (right - left) / 4), np.float32)


def own_faces(faces: Sequence[Face], boxes: Sequence[Floats], heads: Sequence[Floats]) -> list[Face | None]:
    """Returns the face of each person, or None. A face belongs to the nearest head whose box contains it."""
    own: list[Face | None] = [None] * len(boxes)
    nearest = [FARTHEST] * len(boxes)
    for one in faces if boxes else ():
        away = [
            float(np.hypot(*(one.centre - place))) / one.size if _contains(box, one.centre) else np.inf
            for box, place in zip(boxes, heads, strict=True)
        ]
        best = int(np.argmin(away))
        if away[best] < nearest[best]:
            own[best], nearest[best] = one, away[best]
    return own


def _contains(box: Floats, point: Floats) -> bool:
    return bool((box[:2] <= point).all() and (point <= box[2:]).all())


def _person(found: Detection, known: Evidence) -> Person:
    height = known.image.shape[0]
    scores, details = [], []
    for attribute in ATTRIBUTES:
        if any(value.touches for value in attribute.values):
            scores.append(truncation(attribute, found.box, height))
            details.append(BY_THE_FRAME)
            continue
        rule = RULES.get(attribute.key)
        shares, detail = rule(known) if rule else usual(attribute.key, _UNSEEN)
        scores.append([round(100 * share, 2) for share in shares])
        details.append(detail)
    return Person(found.box, found.score, scores, details)
