"""The pictures that copies are made of, packed as JPEG: drawn ones, pieces of photographs, portraits."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.random import Generator

from serving.arrays import Integers, Pixels
from training.image_similarity.programs import SIDE, picture
from training.material import photographs, portraits

PROGRAMS, PIECES = 4000, 6000
FLAT = 12  # deviation of the brightness below which a picture is left out, because it shows nothing
_SEED = 1


class Source(NamedTuple):
    """A picture. group: number that is shared by pictures that may show the same; -1 without others."""

    pixels: Pixels
    group: int


class Pool:
    """The stored pictures; each of the three kinds is drawn equally often."""

    def __init__(self, packed: list[Pixels], groups: Integers, kinds: list[int]) -> None:
        self._packed, self._groups, self._kinds = packed, groups, kinds

    @classmethod
    def open(cls, file: Path) -> Self:
        """Opens the file. If it does not exist, makes it first, which takes minutes and half a gigabyte."""
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file)
        with np.load(file) as held:
            packed = np.split(held["data"], held["ends"][:-1])
            return cls(packed, held["groups"], held["kinds"].tolist())

    def draw(self, random: Generator) -> Source:
        kind = random.integers(len(self._kinds) - 1)
        index = int(random.integers(self._kinds[kind], self._kinds[kind + 1]))
        pixels = cv2.imdecode(self._packed[index], cv2.IMREAD_COLOR)
        return Source(np.asarray(pixels, np.uint8), int(self._groups[index]))


def _write(file: Path) -> None:
    random = np.random.default_rng(_SEED)
    kinds = (_programs(random), _pieces(random), (Source(each.pixels, -1) for each in portraits()))
    packed, groups, counts = [], [], [0]
    for kind in kinds:
        for source in kind:
            packed.append(cv2.imencode(".jpg", source.pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].ravel())
            groups.append(source.group)
        counts.append(len(packed))
    ends = np.cumsum([len(each) for each in packed])
    with file.open("wb") as out:
        np.savez(out, data=np.concatenate(packed), ends=ends, groups=groups, kinds=counts)


def _programs(random: Generator) -> Iterator[Source]:
    for _ in range(PROGRAMS):
        pixels = picture(random)
        if pixels.mean(2).std() >= FLAT:
            yield Source(pixels, -1)


def _pieces(random: Generator) -> Iterator[Source]:
    """Yields upright pieces of photographs at many scales; many are not square and are stretched."""
    whole = photographs()
    for _ in range(PIECES):
        group = int(random.integers(len(whole)))
        shares = np.exp(random.uniform(-2.2, 0)) * random.uniform(0.7, 1, 2)
        height, width = (whole[group].shape[:2] * shares).astype(int).tolist()
        top = int(random.integers(whole[group].shape[0] - height + 1))
        left = int(random.integers(whole[group].shape[1] - width + 1))
        piece = whole[group][top : top + height, left : left + width]
        small = np.asarray(cv2.resize(piece, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        if small.mean(2).std() >= FLAT:
            yield Source(small, group)
