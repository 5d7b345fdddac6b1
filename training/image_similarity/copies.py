"""Random changes that happen to pictures when people forward them: cuts, turns, frames, text, colours, JPEG.

Quarter turns and mirroring are left out, because they do not change the descriptor.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from serving.arrays import Pixels
from training.image_similarity.pool import Pool
from training.image_similarity.programs import bytes_, colour, words, written

SIDE = 168  # px of a copy
_PLAIN = (0, 0, 0), (255, 255, 255)


def copy(source: Pixels, random: Generator, pool: Pool, strength: float) -> Pixels:
    """Returns a changed copy, (SIDE, SIDE, 3). strength: 0..1; it scales each change's probability."""
    image = _moved(source, random, strength)
    for change, share in _CHANGES.items():
        if random.random() < share * strength:
            image = change(image, random)
    if random.random() < 0.12 * strength:
        image = _pasted(image, random, pool)
    if random.random() < 0.08 * strength:
        other = _moved(pool.draw(random).pixels, random, 0)
        image = bytes_(cv2.addWeighted(image, 1, other, random.uniform(0.1, 0.35), -20))
    for change, share in _PACKING.items():
        if random.random() < share * strength:
            image = change(image, random)
    return image


def _moved(source: Pixels, random: Generator, strength: float) -> Pixels:
    """Turns the picture in a frame of random shape, cuts it or adds margins, and stretches it to a square."""
    angle, least, most = 0.0, np.full(2, -1.0), np.full(2, 1.0)
    if random.random() < 0.4 * strength:
        angle = random.normal(0, 0.2) if random.random() < 0.6 else random.uniform(-np.pi, np.pi)
    if random.random() < 0.7 * strength:
        share = np.exp(random.uniform(np.log(0.42), 0)) * np.exp(random.uniform(-0.2, 0.2, 2))
        size = 2 * np.minimum(1, share)
        least = random.uniform(-1, 1 - size)
        most = least + size
    elif random.random() < 0.3 * strength:
        margins = random.choice([0.0, 1.0], 2) * random.uniform(0.05, 1, 2)
        least, most = -1 - margins * random.choice([0.2, 1.0]), 1 + margins
    shape = np.diag([np.exp(random.uniform(-0.5, 0.5)), 1])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.linalg.inv(shape) @ turn @ shape  # from -1..1 of the source to -1..1 of the frame
    scale = SIDE / (most - least)
    to_source = 2 / (np.array(source.shape[1::-1]) - 1)
    moved = (scale[:, None] * matrix) @ np.column_stack((np.diag(to_source), [-1, -1]))
    moved[:, 2] -= scale * least
    border = cv2.BORDER_CONSTANT if random.random() < 0.8 else cv2.BORDER_REFLECT
    fill = colour(random) if random.random() < 0.3 else _PLAIN[int(random.random() < 0.5)]
    found = cv2.warpAffine(
        source, moved, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
    )
    return np.asarray(found, np.uint8)


def _lettered(image: Pixels, random: Generator) -> Pixels:
    image = image.copy()
    for _ in range(random.integers(1, 5)):
        x, y = random.integers(-20, SIDE - 20), random.integers(10, SIDE)
        size = float(np.exp(random.uniform(np.log(7), np.log(34))))
        written(image, random, words(random, int(random.integers(4, 22))), (int(x), int(y)), size)
    return image


def _badged(image: Pixels, random: Generator) -> Pixels:
    image = image.copy()
    for _ in range(random.integers(1, 4)):
        middle, radius = random.integers(0, SIDE, 2), int(random.integers(6, SIDE // 4))
        x, y = int(middle[0]), int(middle[1])
        if random.random() < 0.5:
            cv2.circle(image, (x, y), radius, colour(random), -1, cv2.LINE_AA)
        else:
            end = (x + radius, y + int(random.integers(4, radius + 1)))
            cv2.rectangle(image, (x - radius, y), end, colour(random), -1)
        if random.random() < 0.6:
            written(image, random, words(random, 4), (x - radius // 2, y + radius // 4), radius * 0.6)
    return image


def _barred(image: Pixels, random: Generator) -> Pixels:
    """Lays bars over two edges, or a frame over all four."""
    image, fill = image.copy(), colour(random)
    thickness = int(random.integers(3, SIDE // 6))
    sides = random.random()
    if sides < 0.7:
        image[:thickness] = image[SIDE - thickness :] = fill
    if sides > 0.4:
        image[:, :thickness] = image[:, SIDE - thickness :] = fill
    return image


def _pasted(image: Pixels, random: Generator, pool: Pool) -> Pixels:
    """Lays the picture on another one, as in a collage, or another one on it."""
    other = _moved(pool.draw(random).pixels, random, 0)
    below, above = (other, image) if random.random() < 0.6 else (image, other)
    low, high = (0.6, 0.92) if above is image else (0.15, 0.45)
    width, height = (SIDE * random.uniform(low, high, 2)).astype(int).tolist()
    x, y = int(random.integers(SIDE - width)), int(random.integers(SIDE - height))
    below = below.copy()
    below[y : y + height, x : x + width] = cv2.resize(above, (width, height), interpolation=cv2.INTER_AREA)
    return below


def _coloured(image: Pixels, random: Generator) -> Pixels:
    """Mixes the channels at random; white stays about white."""
    matrix = np.eye(3) + random.normal(0, random.choice([0.1, 0.3]), (3, 3))
    matrix /= matrix.sum(1, keepdims=True).clip(0.5)
    return bytes_(cv2.transform(image, matrix * np.exp(random.normal(0, 0.12, (3, 1)))))


def _lit(image: Pixels, random: Generator) -> Pixels:
    values = np.linspace(0, 1, 256) ** np.exp(random.normal(0, 0.35))
    values = (values - 0.5) * np.exp(random.normal(0, 0.35)) + 0.5 + random.normal(0, 0.12)
    return bytes_(cv2.LUT(image, bytes_(255 * values)))


def _blurred(image: Pixels, random: Generator) -> Pixels:
    return bytes_(cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 2.5)))


def _smaller(image: Pixels, random: Generator) -> Pixels:
    side = int(SIDE * random.uniform(0.25, 0.8))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return bytes_(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def _noisy(image: Pixels, random: Generator) -> Pixels:
    noise = random.standard_normal(image.shape, np.float32)
    return bytes_(image + random.uniform(2, 25) * noise)


def _compressed(image: Pixels, random: Generator) -> Pixels:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(5, 70))]
    packed = cv2.imencode(".jpg", image, quality)[1]
    return bytes_(cv2.imdecode(packed, cv2.IMREAD_COLOR))


Change = Callable[[Pixels, Generator], Pixels]

_CHANGES: dict[Change, float] = {_lettered: 0.25, _badged: 0.15, _barred: 0.12}
_PACKING: dict[Change, float] = {
    _coloured: 0.3,
    _lit: 0.4,
    _blurred: 0.12,
    _smaller: 0.12,
    _noisy: 0.12,
    _compressed: 0.3,
}
