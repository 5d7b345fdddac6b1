"""Face comparison: faces are found, aligned and embedded, those of a whole batch together."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from containers.face_comparison.alignment import align
from containers.face_comparison.embedding import FaceEmbedder
from containers.face_comparison.feature import (
    HASH_LENGTH,
    ComparedFace,
    FaceHashes,
    FaceSimilarity,
    HashedFace,
)
from containers.face_detection.detector import Face, FaceDetector
from serving.arrays import Doubles, Floats, Pixels
from serving.errors import UnprocessableInput
from serving.images.boxes import BoundingBox, bounding_box
from serving.images.pairs import ImagePairRequest, NamedImage, images_of
from serving.model import Model as Base
from serving.weights import Weights


class Known(NamedTuple):
    """vector: (D,) of length 1."""

    face: Face
    vector: Floats


Item = tuple[NamedImage, ...]
Output = list[list[Known]]
Response = FaceHashes | FaceSimilarity


class Model(Base[ImagePairRequest, Item, Output, Response]):
    """An item is one picture, or two to compare; an output holds all faces of each."""

    def __init__(self, detector: FaceDetector, embedder: FaceEmbedder) -> None:
        self._detector, self._embedder = detector, embedder

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(FaceDetector.load(weights, device), FaceEmbedder.load(weights, device))

    def preprocess(self, request: ImagePairRequest) -> Item:
        return images_of(self.media, request)

    def predict(self, batch: Sequence[Item]) -> Sequence[Output]:
        images = [picture.image for item in batch for picture in item]
        found = self._detector.detect(images)
        aligned = [
            align(image, face.points) for image, faces in zip(images, found, strict=True) for face in faces
        ]
        vectors = iter(self._embedder.embed(aligned))
        known = iter([[Known(face, next(vectors)) for face in faces] for faces in found])
        return [[next(known) for _ in item] for item in batch]

    def postprocess(self, output: Output, item: Item) -> Response:
        if len(item) == 1:
            return self._hashes(output[0], item[0].image)
        return self._similarity(output, item)

    def _hashes(self, faces: list[Known], image: Pixels) -> FaceHashes:
        hashed = [
            HashedFace(*_seen(face, image), face_hash=_padded(vector).tolist()) for face, vector in faces
        ]
        return FaceHashes(hashed, self._embedder.kind.version, self._embedder.kind.dimensions)

    def _similarity(self, output: Output, item: Item) -> FaceSimilarity:
        for faces, picture in zip(output, item, strict=True):
            if not faces:
                raise UnprocessableInput(f"{picture.field}: no face")
        vectors, others = (np.stack([known.vector for known in faces]) for faces in output)
        cosines = vectors @ others.T
        best = np.unravel_index(cosines.argmax(), cosines.shape)
        pair = (faces[index].face for faces, index in zip(output, best, strict=True))
        first, second = (
            ComparedFace(*_seen(face, picture.image)) for face, picture in zip(pair, item, strict=True)
        )
        similarity = round(self._embedder.kind.similarity(float(cosines[best])), 6)
        return FaceSimilarity(similarity, (first, second), self._embedder.kind.version)


def _seen(face: Face, image: Pixels) -> tuple[BoundingBox, float]:
    """The box inside the image, and the confidence."""
    return bounding_box(face.box, image.shape), min(1.0, round(face.score, 6))


def _padded(vector: Floats) -> Doubles:
    """With zeros to the documented length, which changes no scalar product."""
    return np.pad(vector.astype(float).round(6), (0, HASH_LENGTH - len(vector)))
