"""Collages of pictures and patterns, from which a network learns edges."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from serving.arrays import Pixels

Draw = Callable[[Pixels, np.random.Generator], None]
"""A function that draws one shape into a mask."""

SIDE = 1280  # px of a collage
FINE = 2  # size of a collage while it is drawn, in final sizes
LEAVES = 500  # shapes of a collage
SMALLEST, LARGEST = 14, 280  # px, radius of a shape; the number of shapes falls with the cube of the radius
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


def collages(count: int, sources: Sequence[Pixels], seed: int) -> Iterator[Pixels]:
    """Yields (SIDE, SIDE, 3) collages of the dead leaves model: textured shapes, each over those before."""
    return (collage(sources, np.random.default_rng((seed, number))) for number in range(count))


def collage(sources: Sequence[Pixels], random: np.random.Generator) -> Pixels:
    side = FINE * SIDE
    canvas = _texture(side, sources, random)
    for _ in range(LEAVES):
        radius = FINE * SMALLEST / np.sqrt(1 - random.random() * (1 - (SMALLEST / LARGEST) ** 2))
        reach = int(radius) + 1
        draw = _SHAPES[random.integers(len(_SHAPES))]
        mask = np.zeros((2 * reach, 2 * reach), np.uint8)
        draw(mask, random)
        top, left = random.integers(0, side - 2 * reach, 2)
        place = canvas[top : top + 2 * reach, left : left + 2 * reach]
        np.copyto(place, _texture(2 * reach, sources, random), where=mask[..., None] > 0)
    return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _texture(side: int, sources: Sequence[Pixels], random: np.random.Generator) -> Pixels:
    """Returns a piece of a picture, or two colours as a ramp, stripes or a checkerboard."""
    kind = random.random()
    if kind < 0.5:
        return _piece(side, sources[int(random.integers(len(sources)))], random)
    first, second = random.integers(0, 256, (2, 1)) + random.normal(0, 30, (2, 3))
    angle, period = random.uniform(0, 2 * np.pi), FINE * random.uniform(8, 40)
    down, across = np.indices((side, side), np.float32)
    along = np.cos(angle) * across + np.sin(angle) * down
    if kind < 0.7:
        share = (along - along.min()) / (np.ptp(along) + 1)
    elif kind < 0.85:
        share = (along % period > period / 2).astype(np.float32)
    else:
        other = np.cos(angle) * down - np.sin(angle) * across
        share = ((along % period > period / 2) ^ (other % period > period / 2)).astype(np.float32)
    return np.asarray((first + share[..., None] * (second - first)).clip(0, 255), np.uint8)


def _piece(side: int, source: Pixels, random: np.random.Generator) -> Pixels:
    """Cuts a square from a picture and resizes it to `side`.

    In the final collage it has at most its original size, unless the picture is too small.
    """
    room = min(source.shape[:2])
    taken = int(min(room, max(4, side / FINE * random.uniform(1, 2.5))))
    top, left = (random.integers(0, length - taken + 1) for length in source.shape[:2])
    piece = source[top : top + taken, left : left + taken]
    kind = cv2.INTER_AREA if taken > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(piece, (side, side), interpolation=kind), np.uint8)


def _ellipse(mask: Pixels, random: np.random.Generator) -> None:
    reach = len(mask) // 2
    axes = reach, max(1, round(reach * random.uniform(0.1, 1)))
    cv2.ellipse(mask, (reach, reach), axes, random.uniform(0, 180), 0, 360, 255, -1)


def _polygon(mask: Pixels, random: np.random.Generator) -> None:
    reach = len(mask) / 2
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 8)))
    corners = reach + reach * np.stack((np.cos(angles), np.sin(angles)), 1)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255)


def _strokes(mask: Pixels, random: np.random.Generator) -> None:
    thickness = int(random.integers(1, 5 * FINE))
    points = random.integers(0, len(mask), (random.integers(2, 6), 2))
    cv2.polylines(mask, [points.astype(np.int32)], bool(random.integers(2)), 255, thickness)


def _letters(mask: Pixels, random: np.random.Generator) -> None:
    letters = "".join(chr(random.integers(33, 127)) for _ in range(random.integers(1, 9)))
    font, thickness = FONTS[random.integers(len(FONTS))], int(random.integers(1, 3 * FINE))
    (width, height), _ = cv2.getTextSize(letters, font, 1, thickness)
    scale = len(mask) / max(width, height)
    cv2.putText(mask, letters, (0, round(len(mask) / 2)), font, scale, 255, thickness)


_SHAPES: tuple[Draw, ...] = (_ellipse, _polygon, _polygon, _strokes, _letters)
