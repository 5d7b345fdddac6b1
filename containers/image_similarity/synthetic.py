"""Pictures of nothing whose statistics are those of photographs, drawn by a fixed seed.

Between dead leaves, shapes of any size that cover each other (Lee, Mumford and Huang 2001), which have the
edges of photographs, and noise of amplitude 1 / frequency (Field 1987), which has their textures.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.random import RandomState  # whose numbers NumPy promises to keep for ever
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pictures(count: int, side: int) -> Iterator[Floats]:
    """(side, side) each, of mean 0 and deviation 1."""
    random = RandomState(0)
    for share in np.linspace(0, 1, count):
        picture = share * _standard(_leaves(random, side)) + (1 - share) * _standard(_noise(random, side))
        yield _standard(picture)


def _leaves(random: RandomState, side: int) -> NDArray[np.uint8]:
    """Sizes are distributed as 1 / r^3, which looks the same from any distance."""
    picture = np.full((side, side), random.randint(256), np.uint8)
    least, most = random.choice([1.5, 3, 6]), side / 2
    contrast = random.uniform(20, 110)
    for share in random.random_sample(random.choice([30, 100, 250])):
        radius = (least**-2 - share * (least**-2 - most**-2)) ** -0.5
        size = 2 * radius, 2 * radius * random.uniform(0.2, 1)
        box = random.uniform(0, side, 2).tolist(), size, random.uniform(0, 180)
        grey = min(255, max(0, 128 + contrast * random.standard_normal()))
        if random.random_sample() < 0.5:
            cv2.ellipse(picture, box, grey, -1, cv2.LINE_AA)
        else:
            cv2.fillConvexPoly(picture, cv2.boxPoints(box).astype(np.int32), grey, cv2.LINE_AA)
    return picture


def _noise(random: RandomState, side: int) -> Floats:
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))).clip(1 / side)
    phase = 2j * math.pi * random.random_sample((side, side))
    spectrum = frequency ** -random.uniform(0.8, 1.6) * np.exp(phase)
    return np.asarray(np.fft.ifft2(spectrum).real, np.float64)


def _standard(picture: Floats | NDArray[np.uint8]) -> Floats:
    return np.asarray((picture - picture.mean()) / picture.std(), np.float64)
