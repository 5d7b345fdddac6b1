"""Compares landmarks, age and gender with their teachers.

`python -m training.faces.measure_landmarks [LANDMARKS [AGE_GENDER]]`: the arguments are the files of weights.
Prints Markdown.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import nn

from containers.face_detection.age_gender import AgeGender, square
from containers.face_detection.crops import batches
from containers.face_detection.detection import Face
from containers.face_detection.landmarks import square as upright
from serving.arrays import Floats, Pixels
from serving.executor import compile
from training.faces.data.detector_labels import Teachers
from training.faces.measure_detector import picture_sets
from training.faces.networks.age_gender import CompactAgeGender
from training.faces.networks.landmarks import SIZE, CompactLandmarks

FILES = ("out/training/face_landmarks.safetensors", "out/training/face_age_gender.safetensors")
SETS = ("portraits held out, as they are", "faces_lfw_aligned", "colour photographs")
LEAST = 24  # px, smallest width of a face

Seen = Sequence[tuple[Pixels, Face]]


def main() -> None:
    teachers, known = Teachers.load(), picture_sets()
    files = map(Path, (*sys.argv[1:], *FILES[len(sys.argv) - 1 :]))
    network, described = _filled(CompactLandmarks(), next(files)), _age_gender(next(files))
    print("| pictures | faces | landmarks, mean | 90th percentile | gender | age, years |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in SETS:
        images = known[name]
        found = teachers.detector.detect(images)
        seen = [
            (image, face)
            for image, faces in zip(images, found, strict=True)
            for face in faces
            if face.box[2] - face.box[0] >= LEAST
        ]
        errors = landmark_errors(of(network, seen), teachers.landmarks.find(seen))
        theirs, ours = np.array(teachers.age_gender.estimate(seen)), np.array(described.estimate(seen))
        same = ((theirs[:, 1] > 0.5) == (ours[:, 1] > 0.5)).mean()
        years = np.abs(theirs[:, 0] - ours[:, 0]).mean()
        figures = f"{errors.mean():.1%} | {np.quantile(errors, 0.9):.1%} | {same:.1%} | {years:.1f}"
        print(f"| {name} | {len(seen)} | {figures} |", flush=True)


def of(network: nn.Module, seen: Seen) -> Floats:
    """Returns (N, 106, 2): x and y of each face's points, in pixels of its image."""
    squares = [upright(face) for _, face in seen]
    crops = (each.crop(image, SIZE) for each, (image, _) in zip(squares, seen, strict=True))
    executor = compile(lambda: network, np.zeros((2, 3, SIZE, SIZE), np.float32), device="cpu")
    found = np.concatenate(executor.map(batches(crops), lambda outputs: outputs[0].copy()))
    return np.array([each.image_points(one, SIZE) for each, one in zip(squares, found, strict=True)])


def landmark_errors(ours: Floats, theirs: Floats) -> Floats:
    """Returns (N,) the mean distance of a face's points, divided by the distance of its pupils."""
    eyes = np.linalg.norm(theirs[:, 104] - theirs[:, 105], axis=1)
    errors: Floats = np.linalg.norm(ours - theirs, axis=2).mean(1) / eyes
    return errors


def _age_gender(file: Path) -> AgeGender:
    network = _filled(CompactAgeGender(), file)
    executor = compile(lambda: network, np.zeros((2, 3, SIZE, SIZE), np.float32), device="cpu")
    return AgeGender(executor, SIZE, square)


def _filled(network: nn.Module, file: Path) -> nn.Module:
    network.load_state_dict(load_file(file), strict=False)  # without the normalisations' counters
    return network.eval().requires_grad_(False)


if __name__ == "__main__":
    main()
