"""Surfaces for scenes: backgrounds, and cloth for the people in front of them."""

import cv2
import numpy as np

from serving.arrays import Pixels

Random = np.random.Generator


def background(random: Random, photographs: tuple[Pixels, ...], side: int) -> Pixels:
    """Returns a part of a photograph or a drawing of shapes, often out of focus."""
    image = _part(random, photographs, side) if random.random() < 0.65 else _drawn(random, side)
    if random.random() < 0.5:
        size = int(random.integers(1, 8)) * 2 + 1
        image = cv2.blur(cv2.blur(image, (size, size)), (size, size)).astype(np.uint8)
    return _coloured(random, image)


def cloth(random: Random, photographs: tuple[Pixels, ...], side: int) -> Pixels:
    """Returns one colour, stripes, or a part of a photograph, with light and folds."""
    colour = random.uniform(10, 245, 3) if random.random() < 0.5 else np.full(3, random.uniform(10, 245))
    image = np.broadcast_to(colour, (side, side, 3)).astype(np.float32)
    kind = random.random()
    if kind < 0.2:
        places = np.arange(side)[:, None] * random.normal() + np.arange(side) * random.normal()
        image = np.where(
            np.sin(places * random.uniform(0.1, 1))[..., None] > 0, image, random.uniform(0, 255, 3)
        )
    elif kind < 0.4:
        image = _coloured(random, _part(random, photographs, side)).astype(np.float32)
    folds = cv2.resize(
        random.normal(1, 0.25, (7, 7)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(np.clip(image * folds[..., None], 0, 255), np.uint8)


def _part(random: Random, photographs: tuple[Pixels, ...], side: int) -> Pixels:
    photograph = photographs[random.integers(len(photographs))]
    height, width = photograph.shape[:2]
    size = int(np.exp(random.uniform(np.log(side / 2), np.log(min(height, width)))))
    top, left = random.integers(height - size + 1), random.integers(width - size + 1)
    part = photograph[top : top + size, left : left + size]
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _drawn(random: Random, side: int) -> Pixels:
    """Draws a gradient with boxes, lines and circles over it."""
    corners = random.uniform(0, 255, (2, 2, 1)) + random.normal(0, 25, (2, 2, 3))
    image = np.clip(cv2.resize(corners.astype(np.float32), (side, side)), 0, 255).astype(np.uint8)
    for _ in range(random.integers(0, 14)):
        colour = random.integers(0, 256, 3).tolist()
        one, other = (random.integers(-side // 4, side * 5 // 4, 2).tolist() for _ in range(2))
        kind, thick = random.integers(3), int(random.integers(1, side // 6))
        if kind == 0:
            cv2.rectangle(image, one, other, colour, -1)
        elif kind == 1:
            cv2.line(image, one, other, colour, thick, cv2.LINE_AA)
        else:
            cv2.circle(image, one, thick, colour, -1, cv2.LINE_AA)
    return image


def _coloured(random: Random, image: Pixels) -> Pixels:
    """Changes saturation, the balance of the channels and brightness."""
    floats = image.astype(np.float32)
    grey = cv2.cvtColor(floats, cv2.COLOR_RGB2GRAY)[..., None]
    changed = grey + random.uniform(0, 1.5) * (floats - grey)
    gain = (random.uniform(0.5, 1.3) * random.normal(1, 0.08, 3)).astype(np.float32)
    changed = (changed - 127) * gain + np.float32(127 * random.uniform(0.5, 1.4))
    return np.asarray(np.clip(changed, 0, 255), np.uint8)
