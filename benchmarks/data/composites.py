"""Pictures with a known matte and known colours: a soft-edged bust with hairs, laid over a photograph."""

from typing import NamedTuple, cast

import cv2
import numpy as np
import skimage.data

from serving.arrays import Floats, Pixels

PAIRS = (("coffee", "grass"), ("astronaut", "brick"), ("cat", "gravel"), ("coffee", "astronaut"))


class Composite(NamedTuple):
    """A picture and its ground truth.

    opacity: (S, S) 0..1. coarse: (224, 224), a map as a network gives it. colours: (S, S, 3), of the bust.
    """

    image: Pixels
    opacity: Floats
    coarse: Floats
    colours: Pixels


def composite(pair: tuple[str, str], side: int, seed: int = 0) -> Composite:
    """Lays a bust, cut from the first of two photographs of scikit-image, over the second; (side, side)."""
    front, back = (_square(name, side) for name in pair)
    opacity = bust(side, seed)
    share = opacity[..., None]
    image = np.rint(share * front + (1 - share) * back).astype(np.uint8)
    return Composite(image, opacity, _coarse(opacity), front)


def bust(side: int, seed: int) -> Floats:
    """Returns the (side, side) opacity of head and shoulders, with hairs."""
    canvas = np.zeros((side, side), np.float32)
    for centre, radii in (((0.5, 0.35), (0.16, 0.22)), ((0.5, 1.0), (0.36, 0.46))):
        cv2.ellipse(canvas, _point(centre, side), _point(radii, side), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    random = np.random.default_rng(seed)
    for angle, length in zip(
        random.uniform(np.pi, 2 * np.pi, 120), random.uniform(0.01, 0.05, 120), strict=True
    ):
        root = 0.5 + 0.155 * np.cos(angle), 0.35 + 0.21 * np.sin(angle)
        tip = root[0] + length * np.cos(angle), root[1] + length * np.sin(angle)
        cv2.line(canvas, _point(root, side), _point(tip, side), 1.0, max(1, side // 512), cv2.LINE_AA)
    return cast(Floats, cv2.GaussianBlur(canvas, (0, 0), side / 430).clip(0, 1))


def _coarse(opacity: Floats) -> Floats:
    small = cv2.GaussianBlur(cv2.resize(opacity, (56, 56), interpolation=cv2.INTER_AREA), (0, 0), 0.7)
    return cast(Floats, cv2.resize(1 / (1 + np.exp(-8 * (small - 0.5))), (224, 224)))


def photograph(name: str) -> Pixels:
    """Returns one of scikit-image's photographs, (H, W, 3) RGB."""
    pixels = cast(Pixels, getattr(skimage.data, name)())
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)


def _square(name: str, side: int) -> Pixels:
    return cast(Pixels, cv2.resize(photograph(name), (side, side)))


def _point(place: tuple[float, float], side: int) -> tuple[int, int]:
    return round(place[0] * side), round(place[1] * side)
