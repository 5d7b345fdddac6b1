"""Measures how well face_comparison tells people apart: `python -m benchmarks.face_pairs FOLDER [FOLDER]`.

The first folder holds pictures named PERSON_ANYTHING.EXT. The map from cosine to similarity is fitted on the
grey pictures of every second person. It is evaluated on the grey pictures of the other people, on the
coloured pictures, and on all pictures of the second folder.
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from containers.face_comparison.embedding import FaceEmbedder, Kind, align
from containers.face_detection.detector import Face, FaceDetector
from serving.arrays import Doubles
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

People = dict[str, list[Doubles]]

MOST = 20  # pictures of one person; without a limit one president would be a large share of all
COLOURED = 4  # mean difference of red and blue from which a picture is coloured
NOT_PEOPLE = {"facial-expressions"}  # names of files that show no single person
NEGATIVES = 200_000  # pairs of different people, at most


class Pairs(NamedTuple):
    """Cosines of two pictures of the same person and of different ones."""

    same: Doubles
    different: Doubles


def main() -> None:
    settings = Settings.read()
    weights = resolve(find("face_comparison"), settings)
    measure = PairMeasure(
        FaceDetector.load(weights, settings.device), FaceEmbedder.load(weights, settings.device)
    )
    grey, coloured = measure.see(Path(sys.argv[1]))
    names = sorted(grey)
    fitted_on = pairs({name: grey[name] for name in names[::2]})
    boundary, slope = fit(fitted_on)
    _write(f"boundary {boundary:.3f}, slope {slope:.1f}; in use: {measure.embedder.kind}")
    evaluated = {
        "fitted on": fitted_on,
        "the other people": pairs({name: grey[name] for name in names[1::2]}),
        "coloured": pairs(coloured),
    }
    if sys.argv[2:]:
        plain, _ = measure.see(Path(sys.argv[2]))
        evaluated[sys.argv[2]] = pairs(plain)
    for name, found in evaluated.items():
        _write(f"{name}: {report(found, measure.embedder.kind)}")


class PairMeasure:
    """A detector and an embedder, which turn pictures of people into vectors."""

    def __init__(self, detector: FaceDetector, embedder: FaceEmbedder) -> None:
        self.detector, self.embedder = detector, embedder

    def see(self, folder: Path) -> tuple[People, People]:
        """Returns the vectors of each person, of grey and of coloured pictures.

        People with one picture are left out. Prints how many pictures have no face.
        """
        grey, coloured = defaultdict[str, list[Doubles]](list), defaultdict[str, list[Doubles]](list)
        lost = 0
        for name, files in by_person(folder).items():
            images = [Media().decode(file.read_bytes()) for file in files]
            found = self.detector.detect(images)
            lost += sum(not faces for faces in found)
            seen = [(image, largest(faces)) for image, faces in zip(images, found, strict=True) if faces]
            crop = self.embedder.kind.crop
            vectors = self.embedder.embed([align(image, face.points, crop) for image, face in seen])
            for (image, _), vector in zip(seen, vectors, strict=True):
                difference = np.abs(image[..., 0].astype(int) - image[..., 2]).mean()
                (coloured if difference > COLOURED else grey)[name].append(vector.astype(float))
        for kind, people in (("grey", grey), ("coloured", coloured)):
            count = sum(map(len, people.values()))
            _write(f"{folder}: {count} {kind} pictures of {len(people)} people; {lost} in all have no face")
        return tuple(  # type: ignore[return-value]
            {name: vectors for name, vectors in people.items() if len(vectors) > 1}
            for people in (grey, coloured)
        )


def by_person(folder: Path) -> dict[str, list[Path]]:
    """Returns at most `MOST` different files of each person who has at least two."""
    people = defaultdict[str, dict[bytes, Path]](dict)
    for file in sorted(folder.iterdir()):
        name = file.stem.rpartition("_")[0]
        if file.suffix in {".jpg", ".webp", ".png"} and name not in NOT_PEOPLE:
            people[name].setdefault(hashlib.sha256(file.read_bytes()).digest(), file)
    return {name: list(files.values())[:MOST] for name, files in people.items() if len(files) > 1}


def largest(faces: Iterable[Face]) -> Face:
    return max(faces, key=lambda face: float(np.prod(face.box[2:] - face.box[:2])))


def pairs(people: People) -> Pairs:
    """Returns all pairs of one person, and all pairs of two people or `NEGATIVES` random ones of them."""
    vectors = np.stack([vector for each in people.values() for vector in each])
    who = np.repeat(np.arange(len(people)), [len(each) for each in people.values()])
    first, second = np.triu_indices(len(who), 1)
    same = who[first] == who[second]
    different = np.flatnonzero(~same)
    if len(different) > NEGATIVES:
        different = np.random.default_rng(0).choice(different, NEGATIVES, replace=False)
    cosines = [
        np.einsum("nd,nd->n", vectors[first[index]], vectors[second[index]])
        for index in (np.flatnonzero(same), different)
    ]
    return Pairs(*cosines)


def fit(found: Pairs) -> tuple[float, float]:
    """Fits a logistic regression that gives both kinds of pairs the same weight; boundary and slope."""
    cosines = np.concatenate(found)
    label = np.repeat((1.0, 0.0), [len(kind) for kind in found])
    weight = np.repeat([0.5 / len(kind) for kind in found], [len(kind) for kind in found])
    columns = np.stack((cosines, np.ones_like(cosines)), 1)
    solution = np.zeros(2)
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-columns @ solution))
        gradient = columns.T @ (weight * (label - p))
        hessian = columns.T @ (columns * (weight * p * (1 - p))[:, None])
        solution += np.linalg.solve(hessian, gradient)
    slope, shift = solution
    return float(-shift / slope), float(slope)


def report(found: Pairs, kind: Kind) -> str:
    same, different = found
    true_rate, false_rate = (same >= kind.boundary).mean(), (different >= kind.boundary).mean()
    accuracy = (1 + true_rate - false_rate) / 2
    points = ""
    for rate in (1e-2, 1e-3):
        cosine = float(np.quantile(different, 1 - rate))
        points += f"; {(same >= cosine).mean():.1%} at {rate:.1%}, similarity {kind.similarity(cosine):.2f}"
    return (
        f"{len(same)} pairs of one person, {len(different)} of two; accuracy {accuracy:.1%}: "
        f"true positives {true_rate:.1%} at false {false_rate:.1%}{points}"
    )


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
