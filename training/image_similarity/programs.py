"""Abstract pictures that small programs draw: fields, shapes, patterns, fractals, pages, collages."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from serving.arrays import Floats, Pixels

SIDE = 224  # px
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?()%&+-"
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def picture(random: Generator) -> Pixels:
    """Draws (SIDE, SIDE, 3) by a random program; some pictures mix two programs or are warped."""
    found = _program(random)
    if random.random() < 0.25:
        mask = _standard(_field(random))[..., None]
        found = bytes_(np.where(mask > random.uniform(-0.5, 0.5), found, _program(random)))
    if random.random() < 0.3:
        y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
        reach = random.uniform(4, 30)
        moved = (x + reach * _standard(_field(random)), y + reach * _standard(_field(random)))
        found = bytes_(cv2.remap(found, *moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return found


def words(random: Generator, length: int) -> str:
    letters = random.choice(list(LETTERS), length)
    letters[random.random(length) < 0.15] = " "
    return "".join(letters)


def colour(random: Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def written(image: Pixels, random: Generator, text: str, place: tuple[int, int], size: float) -> None:
    """Writes letters into the picture. size: px of the letters."""
    font, thickness = int(random.choice(FONTS)), max(1, round(size / random.uniform(8, 20)))
    cv2.putText(image, text, place, font, size / 22, colour(random), thickness, cv2.LINE_AA)


def bytes_(values: Any) -> Pixels:
    return np.ascontiguousarray(np.clip(values, 0, 255), np.uint8)


def _program(random: Generator) -> Pixels:
    kinds = (_clouds, _leaves, _leaves, _waves, _cells, _julia, _page, _window, _curves, _collage)
    kind: Callable[[Generator], Pixels] = kinds[random.integers(len(kinds))]
    return kind(random)


def _clouds(random: Generator) -> Pixels:
    return _painted(random, _field(random))


def _leaves(random: Generator) -> Pixels:
    """Draws shapes of all sizes that cover each other, some of them with a texture."""
    image = _painted(random, _field(random)) if random.random() < 0.5 else _plain(random)
    texture = _clouds(random)
    count = int(random.choice([5, 20, 80, 250]))
    least, most = float(random.choice([3, 6, 12])), random.uniform(0.2, 0.6) * SIDE
    for share in random.random(count):
        radius = (least**-2 - share * (least**-2 - most**-2)) ** -0.5
        mask = np.zeros((SIDE, SIDE), np.uint8) if random.random() < 0.15 else None
        canvas, fill = (image, colour(random)) if mask is None else (mask, 255)
        _shape(canvas, random, radius, fill)
        if mask is not None:
            cv2.copyTo(np.roll(texture, int(random.integers(SIDE)), 1), mask, image)
    return image


def _shape(canvas: Pixels, random: Generator, radius: float, fill: Any) -> None:
    middle = random.uniform(0, SIDE, 2)
    thickness = -1 if random.random() < 0.85 else int(random.integers(1, 6))
    if random.random() < 0.5:
        size = (2 * radius, 2 * radius * random.uniform(0.2, 1))
        cv2.ellipse(canvas, (middle.tolist(), size, random.uniform(0, 180)), fill, thickness, cv2.LINE_AA)
        return
    corners = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 9)))
    reach = radius * random.uniform(0.4, 1.2, len(corners))
    points = middle + reach[:, None] * np.column_stack((np.cos(corners), np.sin(corners)))
    if thickness < 0:
        cv2.fillPoly(canvas, [points.astype(np.int32)], fill, cv2.LINE_AA)
    else:
        cv2.polylines(canvas, [points.astype(np.int32)], True, fill, thickness, cv2.LINE_AA)


def _waves(random: Generator) -> Pixels:
    """Draws stripes, checks, rings and their sums."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    field = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(random.integers(1, 5)):
        angle, frequency = random.uniform(0, np.pi), random.uniform(2, 60)
        along = np.cos(angle) * x + np.sin(angle) * y
        if random.random() < 0.25:
            along = np.hypot(x - random.uniform(-1, 1), y - random.uniform(-1, 1))
        wave = np.sin(frequency * along + random.uniform(0, 6))
        field += np.sign(wave) if random.random() < 0.4 else wave
    noise = np.float32(random.uniform(0, 0.6)) * _standard(_field(random))
    return _painted(random, np.asarray(field + noise, np.float32))


def _cells(random: Generator) -> Pixels:
    """Draws the areas nearest to random points, which look like stones, scales or mosaics."""
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    count = int(random.choice([12, 40, 150, 500]))
    seeds[tuple(random.integers(0, SIDE, (2, count)))] = 0
    distances, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    if random.random() < 0.4:
        return _painted(random, np.asarray(distances, np.float32))
    values = random.random(labels.max() + 1)[labels]
    return _painted(random, np.asarray(values + random.uniform(0, 0.1) * distances, np.float32))


def _julia(random: Generator) -> Pixels:
    side, reach = SIDE // 2, random.uniform(0.3, 1.6)
    y, x = np.mgrid[-reach : reach : side * 1j, -reach : reach : side * 1j]
    z = (x + random.uniform(-0.3, 0.3) + 1j * (y + random.uniform(-0.3, 0.3))).astype(np.complex64)
    c = np.complex64(0.7885 * np.exp(1j * random.uniform(0, 2 * np.pi)))
    steps = np.zeros(z.shape, np.float32)
    for _ in range(24):
        z = np.where(np.abs(z) < 3, z * z + c, z)
        steps += np.exp(-np.abs(z))
    grown = cv2.resize(steps, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return _painted(random, np.asarray(grown, np.float32))


def _page(random: Generator) -> Pixels:
    """Draws lines of letters, dark on light or the other way round."""
    image = bytes_(np.full((SIDE, SIDE, 3), random.choice([20, 235, 250]) + random.integers(-15, 16, 3)))
    size, y = random.uniform(5, 30), random.uniform(5, 40)
    left = int(random.uniform(2, 40))
    while y < SIDE:
        if random.random() < 0.85:
            length = int(random.integers(3, 40))
            written(image, random, words(random, length), (left, int(y)), size * random.uniform(0.9, 1.1))
        y += size * random.uniform(1.3, 2)
    return image


def _window(random: Generator) -> Pixels:
    """Draws boxes in rows and columns, as in forms, charts and buildings."""
    image = _plain(random) if random.random() < 0.7 else _clouds(random)
    columns, rows = random.integers(1, 9, 2)
    fills = [colour(random) for _ in range(random.integers(1, 5))]
    width, height = SIDE / columns, SIDE / rows
    inner = random.uniform(0.3, 0.95)
    chart = random.random() < 0.3
    for column in range(columns):
        for row in range(rows):
            x, y = int((column + (1 - inner) / 2) * width), int((row + (1 - inner) / 2) * height)
            top = int(y + chart * random.random() * inner * height)
            end = (int(x + inner * width), int(y + inner * height))
            cv2.rectangle(image, (x, top), end, fills[random.integers(len(fills))], -1)
            if random.random() < 0.3:
                written(image, random, words(random, 5), (x, end[1]), min(width, height) * 0.3)
    return image


def _curves(random: Generator) -> Pixels:
    image = _plain(random) if random.random() < 0.6 else _clouds(random)
    for _ in range(random.integers(3, 60)):
        walk = random.normal(0, random.uniform(2, 25), (random.integers(3, 40), 2)).cumsum(0)
        points = (random.uniform(0, SIDE, 2) + walk).astype(np.int32)
        cv2.polylines(image, [points], False, colour(random), int(random.integers(1, 7)), cv2.LINE_AA)
    return image


def _collage(random: Generator) -> Pixels:
    columns, rows = random.integers(1, 4, 2)
    image = _plain(random)
    gap = int(random.choice([0, 2, 6]))
    xs, ys = (np.linspace(0, SIDE, count + 1).astype(int) for count in (columns, rows))
    for left, right in pairwise(xs):
        for top, bottom in pairwise(ys):
            part = (_clouds, _leaves, _waves, _cells)[random.integers(4)](random)
            image[top : bottom - gap, left : right - gap] = part[: bottom - top - gap, : right - left - gap]
    return image


def _plain(random: Generator) -> Pixels:
    return bytes_(np.full((SIDE, SIDE, 3), colour(random)))


def _field(random: Generator) -> Floats:
    """Returns noise with an amplitude that falls as a random power of the frequency; some is stretched."""
    field, fall = np.zeros((SIDE, SIDE), np.float32), random.uniform(0.3, 1.1)
    stretch = random.choice([1, 1, 1, 4])
    for octave in range(1, 8):
        shape = 2**octave, max(2, 2**octave // stretch)
        grid = random.standard_normal(shape, np.float32)
        if random.random() < 0.5:
            grid = grid.T
        grown = cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        field += np.exp2(np.float32(-fall * octave)) * grown
    return field


def _painted(random: Generator, field: Floats) -> Pixels:
    """Colours the field's values by a random palette, smoothly or in steps."""
    low, high = np.quantile(field[::7, ::7], (0.01, 0.99))
    palette = random.integers(0, 256, (random.integers(2, 7), 3))
    if random.random() < 0.5:
        palette = palette[np.argsort(palette.sum(1))]
    steps = np.arange(256) / 255 * (len(palette) - 1)
    if random.random() < 0.2:
        steps = np.round(steps)
    table = np.column_stack([np.interp(steps, np.arange(len(palette)), channel) for channel in palette.T])
    index = bytes_((field - low) / max(float(high - low), 1e-6) * 255)
    return bytes_(table[index])


def _standard(field: Floats) -> Floats:
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), np.float32)
