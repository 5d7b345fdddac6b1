"""Measures face_detection: `python -m benchmarks.faces`. Prints Markdown.

It always measures the time by size of the picture and by number of faces. With the photographs in `../shared`
it also measures how small, cut off or turned a face may be, false alarms, and gender.
"""

import io
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.timing import median_ms
from containers.face_detection.age_gender import AgeGender
from containers.face_detection.detector import FaceDetector
from containers.face_detection.landmarks import Landmarks
from serving.arrays import Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

SHARED = Path(__file__).parents[2] / "shared"
FACE_SHARE = 0.77  # width of a face, as a share of its portrait's
THRESHOLDS = (0.5, 0.6, 0.7, 0.8)
RUNS = 9  # of each call whose time is measured
WOMEN = """
Ai_Sugiyama Barbara_Brezigar Barbara_Walters Barbra_Streisand Begum_Khaleda_Zia Calista_Flockhart
Camilla_Parker_Bowles Candie_Kung Carla_Myers Carly_Fiorina Debra_Messing Demi_Moore Diana_Munz Edie_Falco
Edwina_Currie Eileen_Coparropa
"""


def main() -> None:
    feature = find("face_detection")
    weights = resolve(feature, Settings.read())
    detector = FaceDetector.load(weights, "cpu")
    landmarks, ages = Landmarks.load(weights, "cpu"), AgeGender.load(weights, "cpu")
    example = Media().decode((feature.folder / "example.jpg").read_bytes())
    write = sys.stdout.write
    for side in (320, 640, 1280, 4096):
        picture = cv2.resize(example, (side, side * 3 // 4)).astype(np.uint8)
        duration = median_ms(partial(detector.detect, [picture]), RUNS)
        write(f"detection, {side}x{side * 3 // 4} px: {duration:.0f} ms\n")
    ((face,),) = detector.detect([example])
    for count in (1, 10):
        faces = [(example, face)] * count
        for name, work in (("landmarks", landmarks.find), ("age and gender", ages.estimate)):
            duration = median_ms(partial(work, faces), RUNS) / count
            write(f"{name}, {count} faces: {duration:.1f} ms a face\n")
    if (SHARED / "training" / "portraits.tar").is_file():
        write(_recall(detector))
    if (SHARED / "images").is_dir():
        write(_false_alarms(detector))
        write(_gender(detector, ages))


def _recall(detector: FaceDetector) -> str:
    portraits = list(_portraits(120))
    variants: dict[str, Callable[[Pixels], Pixels]] = {
        "unchanged": np.copy,
        **{f"{width} px wide in 500x500": partial(_small, width=width) for width in (16, 20, 26, 32, 64)},
        **{f"{factor} times as large": partial(_enlarged, factor=factor) for factor in (3, 8)},
        **{f"left {share} % cut off": partial(_cut, share=share) for share in (30, 45)},
        **{f"turned by {angle} degrees": partial(_turned, angle=angle) for angle in (30, 45, 60, 90, 180)},
    }
    lines = ["\n| portraits | " + " | ".join(f"found at {limit}" for limit in THRESHOLDS) + " |\n"]
    for name, change in variants.items():
        found = detector.detect([change(portrait) for portrait in portraits], [0.3] * len(portraits))
        best = np.array([max((face.score for face in faces), default=0) for faces in found])
        lines.append(
            f"| {name} | " + " | ".join(f"{(best >= limit).mean():.0%}" for limit in THRESHOLDS) + " |\n"
        )
    return "".join(lines)


def _portraits(count: int) -> Iterator[Pixels]:
    """Yields one portrait for each of some people, as the archive orders them."""
    with tarfile.open(SHARED / "training" / "portraits.tar") as archive:
        names = [name for name in archive.getnames() if name.endswith("_0007.webp")][:count]
        for name in names:
            content = archive.extractfile(name)
            yield Media().decode((content or io.BytesIO()).read())


def _small(portrait: Pixels, width: int) -> Pixels:
    background = cv2.GaussianBlur(cv2.resize(portrait, (500, 500)), (0, 0), 40).astype(np.uint8)
    scale = width / FACE_SHARE / portrait.shape[1]
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    background[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
    return background


def _enlarged(portrait: Pixels, factor: int) -> Pixels:
    height, width = portrait.shape[:2]
    size = width * factor, height * factor
    return cv2.resize(portrait, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def _cut(portrait: Pixels, share: int) -> Pixels:
    return np.ascontiguousarray(portrait[:, portrait.shape[1] * share // 100 :])


def _turned(portrait: Pixels, angle: int) -> Pixels:
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 0.7)
    return cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def _false_alarms(detector: FaceDetector) -> str:
    """Counts the faces that are found in photographs without faces."""
    files = [
        *SHARED.glob("images/ocr/*.jpg"),
        *SHARED.glob("images/plate/*.jpg"),
        *SHARED.glob("images/custom_ocr/*.*g"),
        *SHARED.glob("training/photos/*.jpg"),
    ]
    found = detector.detect([Media().decode(file.read_bytes()) for file in files], [0.3] * len(files))
    scores = [face.score for faces in found for face in faces]
    counts = ", ".join(f"{sum(score >= limit for score in scores)} at {limit}" for limit in THRESHOLDS)
    return f"\nfalse alarms in {len(files)} photographs: {counts}\n"


def _gender(detector: FaceDetector, ages: AgeGender) -> str:
    files = sorted(SHARED.glob("images/faces_lfw_aligned/*.jpg"))
    images = [Media().decode(file.read_bytes()) for file in files]
    faces = [found[0] for found in detector.detect(images) if found]
    people = ages.estimate(list(zip(images, faces, strict=True)))
    women = np.array([file.name[:-9] in WOMEN.split() for file in files])
    right = np.array([person.male <= 0.5 for person in people]) == women
    return (
        f"gender right: {right[women].sum()} of {women.sum()} women, "
        f"{right[~women].sum()} of {(~women).sum()} men\n"
    )


if __name__ == "__main__":
    main()
