"""Small squares of pictures, and RLFN's fourfold enlargements of them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.data.photographs import resized
from containers.image_super_resolution.enlarger import Enlarger
from containers.image_super_resolution.feature import RLFN
from serving.arrays import Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store, Weights
from training.material import photographs, portraits, things
from training.super_resolution.pictures import collages

SCALE = 4
PATCH = 40  # px, the side of a small square
HELD_OUT = 2, 6  # indices of the photographs that are held out
SIZES = (0.5, 0.35, 0.25, 0.18, 0.12)  # scales at which each photograph is enlarged
THINGS = "clothing", "raccoon"  # folders of small photographs of things and animals
SHRINK = 0.5  # scale of the small photographs, whose JPEG artefacts it hides
COLLAGES, MOSAICS = 16, 8
FLAT = 0.35  # share of a picture's squares that are left out: those with the least detail


class Pairs(NamedTuple):
    """Squares, (N, 40, 40, 3) RGB, and their enlargements, (N, 160, 160, 3) RGB."""

    small: Pixels
    large: Pixels


def pairs(seed: int, file: Path) -> Pairs:
    """Returns the pairs of photographs, portraits and collages.

    They are stored in the file, because RLFN takes minutes for them.
    """
    if not file.exists():
        teacher = Enlarger.load(_teacher(), "cpu")
        cuts = [found for picture in pictures(seed) if len((found := cut(picture, teacher)).small)]
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, *(np.concatenate(each) for each in zip(*cuts, strict=True)))
    with np.load(file) as archive:
        return Pairs(*archive.values())


def teacher_file() -> Path:
    """Returns RLFN's file, which is downloaded when it is missing."""
    return _teacher()[RLFN.name]


def _teacher() -> Weights:
    return Store.of(Settings.read()).resolve(find("image_super_resolution"), "rlfn")


def pictures(seed: int) -> Iterator[Pixels]:
    """Yields the pictures that RLFN enlarges."""
    seen = [each for number, each in enumerate(photographs()) if number not in HELD_OUT]
    faces = list(mosaics())
    drawn = collages(COLLAGES, seen + faces, seed)
    yield from (resized(each, size) for each in seen for size in SIZES)
    yield from (resized(each, 1 / SCALE) for each in (*faces, *drawn))
    yield from (resized(each, SHRINK) for each in things(THINGS) if min(each.shape[:2]) * SHRINK >= PATCH)


def mosaics() -> Iterator[Pixels]:
    """Yields mosaics of portraits, eight in a row and eight in a column."""
    side = SCALE * PATCH
    some = (each.pixels for each in islice(portraits(), 0, None, 10))
    large = (each[:side, :side] for each in some if min(each.shape[:2]) >= side)
    for _ in range(MOSAICS):
        yield np.vstack([np.hstack(list(islice(large, 8))) for _ in range(8)])


def cut(small: Pixels, teacher: Enlarger) -> Pairs:
    """Cuts a picture and its enlargement into adjacent squares, without those that have the least detail."""
    (large,) = teacher.enlarge([small], [SCALE])
    bicubic = resized(small, SCALE)
    *found, smooth = (squares(each, PATCH * len(each) // len(small)) for each in (small, large, bicubic))
    detail = np.abs(found[1].astype(np.float32) - smooth).mean((1, 2, 3))
    chosen = np.argsort(detail)[int(FLAT * len(detail)) :]
    return Pairs(*(each[chosen] for each in found))


def squares(picture: Pixels, side: int) -> Pixels:
    """Returns (N, side, side, 3): the adjacent squares from the upper left corner."""
    rows, columns = (length // side for length in picture.shape[:2])
    parts = picture[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return parts.swapaxes(1, 2).reshape(-1, side, side, 3)
