"""The labels of the portraits: what the networks of `lite` find in them. A file caches the labels."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from containers.face_detection.age_gender import AgeGender
from containers.face_detection.crops import Square
from containers.face_detection.detector import Face, FaceDetector
from containers.face_detection.landmarks import Landmarks, square
from serving.arrays import Floats, Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store
from training.material import portraits

FILE = Path("out/training/faces_labels.npz")
MIN_SCORE = 0.5


class Labelled(NamedTuple):
    """A portrait with its labels.

    faces: (K, 14) left, top, right, bottom, then x and y of the five points, highest score first.
    landmarks: (106, 2) of the first face. person: (2,) its age in years and probability of male.
    """

    held_out: bool
    grey: Pixels
    faces: Floats
    landmarks: Floats
    person: Floats


class Teachers(NamedTuple):
    """The networks of face_detection's `lite`."""

    detector: FaceDetector
    landmarks: Landmarks
    age_gender: AgeGender

    @classmethod
    def load(cls) -> "Teachers":
        weights = Store.of(Settings.read()).resolve(find("face_detection"), "lite")
        return cls(
            FaceDetector.load(weights, "cpu"), Landmarks.load(weights, "cpu"), AgeGender.load(weights, "cpu")
        )


def is_held_out(person: str) -> bool:
    """Tells whether a person is held out, by the hash of the name: one in twenty is."""
    return zlib.crc32(person.encode()) % 20 == 0


def labelled(file: Path = FILE) -> list[Labelled]:
    """Returns every portrait in which the teacher finds a face, in the order of the archive."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, allow_pickle=False, **labels(each.pixels for each in portraits()))
    greys = ((is_held_out(each.person), to_grey(each.pixels)) for each in portraits())
    return list(with_faces(greys, file))


def with_faces(greys: Iterable[tuple[bool, Pixels]], file: Path) -> Iterator[Labelled]:
    """Yields the pictures that have a face, with their labels from the file that `labels` filled.

    greys: whether the person is held out, and the picture.
    """
    with np.load(file) as arrays:
        faces = np.split(arrays["faces"], np.cumsum(arrays["counts"])[:-1])
        landmarks, people = arrays["landmarks"], arrays["people"]
    for (held_out, grey), *found in zip(greys, faces, landmarks, people, strict=True):
        if len(found[0]):
            yield Labelled(held_out, grey, *found)


def face_square(person: Labelled) -> Square:
    """Returns the square that face_detection cuts out for its landmark network."""
    face = person.faces[0]
    return square(Face(face[:4], 1.0, face[4:].reshape(5, 2)))


def to_grey(picture: Pixels) -> Pixels:
    """Converts pixels from (H, W, 3) RGB to (H, W)."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def resized(grey: Pixels, size: tuple[int, int]) -> Pixels:
    """Resizes to width and height; a smaller picture averages areas."""
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def labels(pictures: Iterable[Pixels]) -> dict[str, NDArray[np.generic]]:
    """Returns the teachers' labels as arrays.

    counts: number of faces of each picture. faces: (all faces, 14). landmarks, people: those of each
    picture's first face, zeros where there is no face.
    """
    teachers, remaining = Teachers.load(), iter(pictures)
    counts, rows, landmarks, people = [], [np.zeros((0, 14), np.float32)], [], []
    while some := list(islice(remaining, 64)):
        for faces, points, person in _found(teachers, some):
            counts.append(len(faces))
            rows += [np.append(face.box, face.points).astype(np.float32)[None] for face in faces]
            landmarks.append(points)
            people.append(person)
        print(len(counts), "pictures", flush=True)
    return {
        "counts": np.array(counts),
        "faces": np.concatenate(rows),
        "landmarks": np.array(landmarks, np.float32),
        "people": np.array(people, np.float32),
    }


def _found(teachers: Teachers, images: Sequence[Pixels]) -> Iterator[tuple[list[Face], Floats, Floats]]:
    found = teachers.detector.detect(images, [MIN_SCORE] * len(images))
    first = [(image, faces[0]) for image, faces in zip(images, found, strict=True) if faces]
    described = iter(zip(teachers.landmarks.find(first), teachers.age_gender.estimate(first), strict=True))
    nothing = np.zeros((106, 2), np.float32), np.zeros(2, np.float32)
    for faces in found:
        points, person = next(described) if faces else nothing
        yield faces, points, np.array(person, np.float32)
