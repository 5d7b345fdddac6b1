"""The model of face comparison: detects, aligns and embeds the faces of a whole batch together."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Self

import numpy as np

from containers.face_comparison.embedding import FaceEmbedder, align
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


class EmbeddedFace(NamedTuple):
    """A detected face and its vector, (D,), of length 1."""

    face: Face
    vector: Floats


Item = tuple[NamedImage, ...]
Output = list[list[EmbeddedFace]]
Response = FaceHashes | FaceSimilarity


class Model(Base[ImagePairRequest, Item, Output, Response]):
    """Compares faces. An item is one image, or two to compare. An output holds all faces of each image."""

    def __init__(self, detector: FaceDetector, embedder: FaceEmbedder) -> None:
        self._detector, self._embedder = detector, embedder

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(FaceDetector.load(weights, device), FaceEmbedder.load(weights, device))

    def preprocess(self, request: ImagePairRequest) -> Item:
        return images_of(self.media, request)

    def predict(self, batch: Sequence[Item]) -> Sequence[Output]:
        images = [picture.image for item in batch for picture in item]
        embedded = iter(self._embedded(images))
        return [list(islice(embedded, len(item))) for item in batch]

    def _embedded(self, images: Sequence[Pixels]) -> list[list[EmbeddedFace]]:
        """Returns the faces of every image, highest score first."""
        found = self._detector.detect(images)
        crop = self._embedder.kind.crop
        aligned = [
            align(image, face.points, crop)
            for image, faces in zip(images, found, strict=True)
            for face in faces
        ]
        vectors = iter(self._embedder.embed(aligned))
        return [[EmbeddedFace(face, next(vectors)) for face in faces] for faces in found]

    def postprocess(self, output: Output, item: Item) -> Response:
        if len(item) == 1:
            return self._hashes(output[0], item[0].image)
        return self._similarity(output, item)

    def _hashes(self, faces: list[EmbeddedFace], image: Pixels) -> FaceHashes:
        hashed = [
            HashedFace(*_box_and_score(face, image), face_hash=_padded(vector).tolist())
            for face, vector in faces
        ]
        return FaceHashes(hashed, self._embedder.kind.version, self._embedder.kind.dimensions)

    def _similarity(self, output: Output, item: Item) -> FaceSimilarity:
        for faces, picture in zip(output, item, strict=True):
            if not faces:
                raise UnprocessableInput(f"{picture.field}: no face")
        vectors, others = (np.stack([face.vector for face in faces]) for faces in output)
        cosines = vectors @ others.T
        best = np.unravel_index(cosines.argmax(), cosines.shape)
        pair = (faces[index].face for faces, index in zip(output, best, strict=True))
        first, second = (
            ComparedFace(*_box_and_score(face, picture.image))
            for face, picture in zip(pair, item, strict=True)
        )
        similarity = round(self._embedder.kind.similarity(float(cosines[best])), 6)
        return FaceSimilarity(similarity, (first, second), self._embedder.kind.version)


def _box_and_score(face: Face, image: Pixels) -> tuple[BoundingBox, float]:
    """Returns the part of the face's box inside the image, and the face's score, at most 1."""
    return bounding_box(face.box, image.shape), min(1.0, round(face.score, 6))


def _padded(vector: Floats) -> Doubles:
    """Appends zeros up to `HASH_LENGTH`. They change no scalar product."""
    return np.pad(vector.astype(float).round(6), (0, HASH_LENGTH - len(vector)))
