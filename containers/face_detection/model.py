"""The model of face detection: finds the faces of an image, then their landmarks, age and gender."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from containers.face_detection.age_gender import AgeGender, Person
from containers.face_detection.detector import Face, FaceDetector
from containers.face_detection.feature import (
    AgeRange,
    DetectedFace,
    FaceDetectionRequest,
    Faces,
    Point,
)
from containers.face_detection.landmarks import Landmarks
from serving.arrays import Floats, Pixels
from serving.images.boxes import bounding_box
from serving.model import Model as Base
from serving.weights import Weights

VERSIONS = {
    "lite": "mtcnn+facemesh-468+faceres/1",
    "standard": "retinaface-resnet50+facemesh-468+fairface-resnet34/2",
}
AGE_MARGIN = 8  # `AgeRange` is the age plus and minus so many years


class Item(NamedTuple):
    """A request and its decoded image, (H, W, 3) uint8 RGB."""

    image: Pixels
    request: FaceDetectionRequest


class Described(NamedTuple):
    """A face and what the networks found out about it. landmarks: (106, 2) x and y in pixels."""

    face: Face
    landmarks: Floats
    person: Person


class Model(Base[FaceDetectionRequest, Item, list[Described], Faces]):
    """Describes the faces of photographs."""

    def __init__(
        self, detector: FaceDetector, landmarks: Landmarks, age_gender: AgeGender, version: str
    ) -> None:
        self._detector, self._landmarks, self._age_gender = detector, landmarks, age_gender
        self._version = version

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        mesh = Landmarks.load(weights, device)
        return cls(
            FaceDetector.load(weights, device, mesh),
            mesh,
            AgeGender.load(weights, device),
            VERSIONS[weights.profile],
        )

    def preprocess(self, request: FaceDetectionRequest) -> Item:
        return Item(self.media.of(request), request)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Described]]:
        found = self._detector.detect(
            [item.image for item in batch], [item.request.min_confidence for item in batch]
        )
        kept = [faces[: item.request.max_faces] for faces, item in zip(found, batch, strict=True)]
        pairs = [(item.image, face) for item, faces in zip(batch, kept, strict=True) for face in faces]
        details = iter(zip(self._landmarks.find(pairs), self._age_gender.estimate(pairs), strict=True))
        return [[Described(face, *next(details)) for face in faces] for faces in kept]

    def postprocess(self, output: list[Described], item: Item) -> Faces:
        shape, detail = item.image.shape, item.request.detail
        return Faces([_response(one, shape, detail=detail) for one in output], self._version)


def _response(described: Described, shape: tuple[int, ...], *, detail: bool) -> DetectedFace:
    """Returns the face as the response has it. shape: that of the image."""
    face, landmarks, person = described
    age = round(person.age)
    return DetectedFace(
        bounding_box=bounding_box(face.box, shape),
        confidence=min(1.0, face.score),
        landmark_106=_points(landmarks),
        gender="male" if person.male > 0.5 else "female",
        age=age,
        age_range=AgeRange(max(0, age - AGE_MARGIN), age + AGE_MARGIN) if detail else None,
        landmarks_5=_points(face.points) if detail else None,
    )


def _points(points: Floats) -> list[Point]:
    return [Point(x, y) for x, y in np.rint(points).astype(int).tolist()]
