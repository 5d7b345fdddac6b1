"""Measures object_recognition: `python -m benchmarks.objects`. Prints Markdown.

It compares the detected things with boxes marked by hand, in photographs of scikit-image and of `../shared`.
It also measures the time of one picture at a time and of eight together. AIKIT_PROFILE chooses the profile.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data.composites import photograph
from containers.object_recognition.labels import LABELS
from containers.object_recognition.model import Item, Model
from containers.object_recognition.recogniser import FoundObject, Query
from serving.arrays import Doubles, Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

Box = tuple[int, int, int, int]

SHARED = Path(__file__).parents[2] / "shared" / "images" / "objects"
OVERLAP = 0.5  # least intersection over union of a detected box and a marked one
THRESHOLDS = (25, 45, 60)  # percent; the middle one is the default of `lite`
MARKED: dict[str, list[tuple[str, Box]]] = {
    "chelsea": [("cat", (0, 0, 440, 300))],
    "coffee": [("cup", (172, 16, 415, 310)), ("spoon", (320, 65, 425, 327))],
    "astronaut": [("person", (0, 20, 400, 512))],
    "rocket": [],
    "0.jpg": [
        ("person", (175, 0, 238, 118)),
        ("person", (369, 206, 435, 408)),
        ("person", (275, 300, 377, 436)),
        ("person", (283, 277, 465, 447)),
        ("baseball_bat", (393, 185, 458, 224)),
    ],
    "1.jpg": [
        ("bus_(vehicle)", (44, 82, 586, 417)),
        ("person", (324, 189, 379, 247)),
        ("person", (5, 251, 45, 361)),
        ("person", (10, 52, 31, 78)),
        ("traffic_light", (55, 0, 69, 31)),
    ],
    "2.jpg": [
        ("person", (76, 91, 267, 476)),
        ("person", (151, 77, 224, 344)),
        ("person", (252, 65, 337, 372)),
        ("person", (362, 53, 490, 429)),
        ("sofa", (217, 193, 403, 365)),
        ("bottle", (518, 243, 530, 283)),
        ("bottle", (540, 245, 553, 286)),
        ("remote_control", (374, 141, 398, 166)),
        ("remote_control", (250, 270, 267, 281)),
    ],
    "3.jpg": [
        ("person", (43, 65, 163, 298)),
        ("person", (160, 137, 246, 264)),
        ("person", (238, 135, 308, 282)),
        ("person", (290, 143, 500, 295)),
        ("frisbee", (91, 152, 136, 193)),
        ("frisbee", (184, 198, 216, 230)),
        ("frisbee", (217, 187, 250, 220)),
        ("frisbee", (254, 166, 295, 206)),
    ],
    "4.jpg": [("cat", (131, 150, 628, 424))],
}
"""Every recognisable thing with one of the 75 names of `lite`; left, top, right, bottom in pixels."""


def main() -> None:
    chosen = Settings.read()
    model = Model.load(resolve(find("object_recognition"), chosen), chosen.device)
    for lines in (_found(model), _times(model)):
        sys.stdout.writelines(f"{line}\n" for line in ("", *lines))


def _found(model: Model) -> Iterator[str]:
    pictures = dict(_pictures())
    items = [_item(picture, min(THRESHOLDS)) for picture in pictures.values()]
    yield from (
        "| picture | confidence | marked | found | missed | not marked |",
        "|---|---|---|---|---|---|",
    )
    totals = {least: np.zeros(3, int) for least in THRESHOLDS}  # marked, found, not marked
    for name, things in zip(pictures, model.predict(items), strict=True):
        for least in THRESHOLDS:
            confident = [thing for thing in things if thing.score >= least / 100]
            missed, unmarked = _compared(MARKED[name], confident)
            marked, found = len(MARKED[name]), len(MARKED[name]) - len(missed)
            totals[least] += (marked, found, len(unmarked))
            yield f"| {name} | {least} | {marked} | {found} | {_listed(missed)} | {_listed(unmarked)} |"
    for least, (marked, found, others) in totals.items():
        yield f"| all | {least} | {marked} | {found} | {marked - found} | {others} |"


def _times(model: Model) -> Iterator[str]:
    items = [_item(photograph("coffee"), 40)] * 8
    for batch in (items[:1], items):
        spent = []
        for _ in range(9):
            start = time.perf_counter()
            model.predict(batch)
            spent.append((time.perf_counter() - start) / len(batch))
        yield f"{len(batch)} at a time: {1000 * sorted(spent)[4]:.0f} ms a picture"


def _item(picture: Pixels, least: float) -> Item:
    return Item(picture, Query(LABELS, least / 100), len(LABELS))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in Counter(names).items())


def _compared(marked: Sequence[tuple[str, Box]], found: Sequence[FoundObject]) -> tuple[list[str], list[str]]:
    """Returns the names of marked things that were not found, and of found things that are not marked.

    A marked box counts once, so a second detection of it is not marked.
    """
    missed, unmarked = list(marked), []
    for thing in found:
        overlaps = [
            _overlap(np.array(box, float), thing.box.astype(float)) if name == thing.name else 0.0
            for name, box in missed
        ]
        if max(overlaps, default=0) >= OVERLAP:
            missed.pop(int(np.argmax(overlaps)))
        else:
            unmarked.append(thing.name)
    return [name for name, _ in missed], unmarked


def _overlap(first: Doubles, second: Doubles) -> float:
    common = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = float(common.clip(0).prod())
    return shared / (float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])) - shared)


def _pictures() -> Iterator[tuple[str, Pixels]]:
    for name in MARKED:
        if not name.endswith(".jpg"):
            yield name, photograph(name)
        elif (SHARED / name).is_file():
            yield name, Media().decode((SHARED / name).read_bytes())


if __name__ == "__main__":
    main()
