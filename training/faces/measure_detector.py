"""Compares the face detector with its teacher: `python -m training.faces.measure_detector [FILE]`.

FILE is the detector's weights. Prints Markdown.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from safetensors.torch import load_file

from benchmarks.data.composites import PAIRS, composite, photograph
from containers.face_detection.detector import Face, FaceDetector
from serving.arrays import Pixels
from serving.executor import compile
from serving.images.intake import Media
from training.faces.data.detector_labels import Teachers, is_held_out
from training.faces.networks.detector import CompactDetector
from training.material import SHARED, portraits

MIN_SCORE = 0.7  # the feature's default
FAINT = 0.3  # the teacher's score from which a face is no false alarm of ours


def main() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "out/training/face_detector.safetensors")
    teacher, own = Teachers.load().detector, compact(file)
    print("| pictures | teacher's faces | of these found | false alarms |\n| --- | --- | --- | --- |")
    for name, images in picture_sets().items():
        print(f"| {name} | " + " | ".join(map(str, compared(teacher, own, images))) + " |", flush=True)


def compact(file: Path) -> FaceDetector:
    """Returns the feature's detector, which then runs our network."""
    network = CompactDetector()
    network.load_state_dict(load_file(file), strict=False)  # without the normalisations' counters
    network.eval().requires_grad_(False)
    return FaceDetector(compile(lambda: network, np.zeros((1, 3, 64, 96), np.float32), device="cpu"))


def picture_sets() -> dict[str, list[Pixels]]:
    """Returns sets of pictures that were never trained on; there is one portrait of each person held out."""
    one_each = {each.person: each.pixels for each in portraits() if is_held_out(each.person)}
    held_out = list(one_each.values())
    changes: dict[str, Callable[[Pixels], Pixels]] = {
        "as they are": np.copy,
        **{f"face {width} px wide in 500x500": partial(_small, width=width) for width in (24, 32, 64)},
        "turned by 30 degrees": _turned,
    }
    coloured = [_read(file) for file in sorted((SHARED / "images" / "objects").glob("*.jpg"))]
    coloured += [photograph("astronaut"), *(composite(pair, 512).image for pair in PAIRS)]
    return {
        **{f"portraits held out, {name}": list(map(change, held_out)) for name, change in changes.items()},
        "faces_lfw_aligned": [_read(file) for file in _files("faces_lfw_aligned/*.jpg")],
        "colour photographs": [_scaled(each, factor) for each in coloured for factor in (1, 0.5)],
        "photographs without faces": [_read(file) for file in _files("ocr/*.jpg", "plate/*.jpg")]
        + [photograph(name) for name in ("coffee", "chelsea", "rocket", "retina")],
    }


def compared(
    teacher: FaceDetector, own: FaceDetector, images: Sequence[Pixels], limit: float = MIN_SCORE
) -> tuple[int, int, int]:
    """Counts the teacher's faces, those of them that are found, and the false alarms."""
    faces = found = false_alarms = 0
    for image in images:
        (known,), (ours,) = teacher.detect([image], [FAINT]), own.detect([image], [limit])
        sure = [face for face in known if face.score >= MIN_SCORE]
        faces += len(sure)
        found += sum(any(overlap(face, each) >= 0.5 for each in ours) for face in sure)
        false_alarms += sum(all(overlap(face, each) < 0.5 for face in known) for each in ours)
    return faces, found, false_alarms


def overlap(one: Face, other: Face) -> float:
    """Returns the intersection over union of two boxes."""
    shared = np.minimum(one.box[2:], other.box[2:]) - np.maximum(one.box[:2], other.box[:2])
    common = float(shared.clip(0).prod())
    areas = [float((each.box[2:] - each.box[:2]).prod()) for each in (one, other)]
    return common / (sum(areas) - common)


def _files(*patterns: str) -> list[Path]:
    return sorted(file for pattern in patterns for file in (SHARED / "images").glob(pattern))


def _read(file: Path) -> Pixels:
    return Media().decode(file.read_bytes())


def _scaled(image: Pixels, factor: float) -> Pixels:
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _small(portrait: Pixels, width: int) -> Pixels:
    tones = cv2.resize(portrait, (8, 8), interpolation=cv2.INTER_AREA)
    background = cv2.resize(tones, (500, 500)).astype(np.uint8)
    small = _scaled(portrait, width / 0.77 / portrait.shape[1])  # a face has 77 % of a portrait's width
    background[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
    return background


def _turned(portrait: Pixels) -> Pixels:
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 30, 0.7)
    return cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


if __name__ == "__main__":
    main()
