"""Backgrounds for faces: photographs without faces, and shapes and lines on smooth noise."""

from collections.abc import Sequence

import cv2
import numpy as np

from serving.arrays import Pixels
from training.faces.data.detector_labels import resized, to_grey

SIZE = 320


class Backgrounds:
    """A stock of backgrounds, made once: pieces of photographs at any scale, and three in ten drawn."""

    def __init__(self, photographs: Sequence[Pixels], count: int = 1500, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        sizes = [each for photograph in photographs for each in _halved(to_grey(photograph))]
        self._stock = [
            _drawn(random, SIZE) if random.random() < 0.3 else _cropped(random, sizes) for _ in range(count)
        ]

    def piece(self, random: np.random.Generator, size: int) -> Pixels:
        """Returns (size, size), at most 320; half of the pieces are mirrored and some are turned."""
        whole = self._stock[random.integers(len(self._stock))]
        top, left = random.integers(SIZE - size + 1, size=2)
        piece = whole[top : top + size, left : left + size]
        if random.random() < 0.5:
            piece = piece[:, ::-1]
        turns = int(random.integers(4)) if random.random() < 0.2 else 0
        return np.ascontiguousarray(np.rot90(piece, turns))


def _halved(photograph: Pixels) -> list[Pixels]:
    """Returns the photograph and its repeated halvings, down to about 500 pixels of the shorter side."""
    smaller = [photograph]
    while min(smaller[-1].shape) >= 1000:
        height, width = smaller[-1].shape
        smaller.append(resized(smaller[-1], (width // 2, height // 2)))
    return smaller


def _cropped(random: np.random.Generator, photographs: Sequence[Pixels]) -> Pixels:
    photograph = photographs[int(random.integers(len(photographs)))]
    side = int(random.uniform(0.4, 1) * min(*photograph.shape, 3 * SIZE))
    top, left = (random.integers(limit - side + 1) for limit in photograph.shape)
    piece = photograph[top : top + side, left : left + side]
    return resized(piece, (SIZE, SIZE))


def _drawn(random: np.random.Generator, size: int) -> Pixels:
    clouded = np.zeros((size, size), np.float32)
    for cells in (2, 5, 12, 40):
        clouds = random.normal(size=(cells, cells)).astype(np.float32) / cells**0.6
        clouded += cv2.resize(clouds, (size, size), interpolation=cv2.INTER_CUBIC)
    low, high = np.sort(random.uniform(0, 255, 2))
    canvas: Pixels = np.interp(clouded, (clouded.min(), clouded.max()), (low, high)).astype(np.uint8)
    for _ in range(random.integers(0, 40)):
        x, y, width, height = (int(each) for each in random.uniform(0, size, 4) * (1, 1, 0.25, 0.25))
        tone, line = float(random.uniform(0, 255)), int(random.integers(-1, 6)) or 1
        match random.integers(4):
            case 0:
                angle = float(random.uniform(0, 180))
                cv2.ellipse(canvas, (x, y), (width + 1, height + 1), angle, 0, 360, tone, line)
            case 1:
                cv2.rectangle(canvas, (x, y), (x + width, y + height), tone, line)
            case 2:
                cv2.line(canvas, (x, y), tuple(random.integers(0, size, 2).tolist()), tone, abs(line))
            case _:
                text = "".join(map(chr, random.integers(33, 126, 6)))
                cv2.putText(canvas, text, (x, y), int(random.integers(8)), width / 30 + 0.2, tone, abs(line))
    return canvas
