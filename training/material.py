"""Photographs and portraits for training, from `../shared/training` or another folder of that layout.

scikit-image's photographs are not here: the features are measured on them.
"""

import tarfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Pixels

SHARED = Path(__file__).resolve().parents[2] / "shared"
FOLDER = SHARED / "training"


class Portrait(NamedTuple):
    """A picture as it is archived. number: which of the person's pictures. pixels: (H, W, 3) RGB."""

    person: str
    number: str
    pixels: Pixels


@cache
def photographs(folder: Path = FOLDER) -> tuple[Pixels, ...]:
    """Photographs of landscapes and cities, longest side 2048 px, in the order of their file names."""
    return tuple(_decoded(file.read_bytes()) for file in sorted((folder / "photos").glob("*.jpg")))


def portraits(folder: Path = FOLDER) -> Iterator[Portrait]:
    """Pictures of faces, longest side 176 px, in the order of the archive."""
    with tarfile.open(folder / "portraits.tar") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None or not member.name.endswith(".webp"):
                continue
            person, _, number = Path(member.name).stem.rpartition("_")
            yield Portrait(person, number, _decoded(file.read()))


def things(names: Sequence[str], folder: Path = SHARED / "custom_labels") -> Iterator[Pixels]:
    """Small photographs of things and animals, from the named folders, in the order of their file names."""
    for name in names:
        for file in sorted((folder / name).rglob("*.jpg")):
            yield _decoded(file.read_bytes())


def _decoded(data: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("not a picture")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
