"""Crops of portraits and TinyXception's outputs for them.

`python -m training.faces.data.age_gender_labels` writes them to `FOLDER`; the training does so, too.
"""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from containers.face_detection.age_gender import CENTRE, EYES_TO_MOUTH, AgeGender, square
from containers.face_detection.crops import Square
from containers.face_detection.detection import Face
from serving.arrays import Floats, Pixels
from training.faces.data.detector_degradation import degraded, shaded
from training.faces.data.detector_labels import Labelled, Teachers, labelled
from training.faces.networks.age_gender import SIZE

FOLDER = Path("out/training/faces_age_gender")
CROPS = 3  # crops of each portrait
SEED = 0


class LabelledCrops(NamedTuple):
    """Labelled crops. crops: (N, 112, 112) uint8. answers: (N, 2) age in years and probability of male."""

    crops: Pixels
    answers: Floats


def labelled_crops(folder: Path = FOLDER) -> LabelledCrops:
    """Returns the crops of the people who are not held out; they are made once and stored in the folder."""
    if not (folder / "answers.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = _made(Teachers.load().age_gender)
        np.save(folder / "crops.npy", made.crops)
        np.save(folder / "answers.npy", made.answers)
    return LabelledCrops(np.load(folder / "crops.npy", mmap_mode="r"), np.load(folder / "answers.npy"))


def _made(teacher: AgeGender) -> LabelledCrops:
    random = np.random.default_rng(SEED)
    crops = (crop(random, each) for each in labelled() if not each.held_out for _ in range(CROPS))
    done, answers = [], []
    while some := list(islice(crops, 512)):
        done += some
        answers.append(_asked(teacher, some))
        print(len(done), "crops", flush=True)
    return LabelledCrops(np.stack(done), np.concatenate(answers))


def crop(random: np.random.Generator, person: Labelled) -> Pixels:
    """Returns (112, 112): the crop that TinyXception sees of the portrait, slightly moved and relit."""
    face = person.faces[0]
    exact = square(Face(face[:4], 1.0, face[4:].reshape(5, 2)))
    near = Square(
        exact.centre + (random.normal(0, 0.02, 2) * exact.side).astype(np.float32),
        exact.side * float(np.exp(random.normal(0, 0.04))),
        random.normal(0, 0.07),
    )
    lit = shaded(random, person.grey) if random.random() < 0.7 else person.grey
    pixels = near.crop(_three(lit), SIZE)[..., 1]
    return degraded(random, np.ascontiguousarray(pixels))


def _asked(teacher: AgeGender, crops: list[Pixels]) -> Floats:
    """Returns (N, 2) the teacher's outputs. The points are set so that the teacher cuts the whole crop."""
    eyes = SIZE * (0.5 - CENTRE - EYES_TO_MOUTH / 3)
    heights = np.array((eyes, eyes, 0, *[eyes + SIZE * EYES_TO_MOUTH] * 2))
    points = np.column_stack((np.full(5, SIZE / 2), heights)).astype(np.float32)
    whole = Face(np.zeros(4, np.float32), 1.0, points)
    return np.array(teacher.estimate([(_three(each), whole) for each in crops]), np.float32)


def _three(grey: Pixels) -> Pixels:
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)


if __name__ == "__main__":
    labelled_crops()
