"""Pictures that contain plates, for a detector: drawn plates in perspective over photographs."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.renders.plate_example import BACKGROUNDS
from serving.arrays import Floats, Pixels
from training.material import photographs
from training.plates.crops import INKS
from training.plates.drawing import DOWN, INK, RED, draw
from training.plates.texts import sample

SIZE, STRIDE = 192, 8
POOL = 1500  # plates that are drawn once and used in all scenes
MOST = 3  # plates of one scene


class Scene(NamedTuple):
    """A picture and its plates.

    pixels: (192, 192, 3) RGB. plates: (K, 4, 2) corners clockwise from the top left, x and y in px.
    """

    pixels: Pixels
    plates: Floats


def scene(rng: np.random.Generator) -> Scene:
    """Returns a scene of up to three plates, 24 to 150 px wide, with panels and words that are no plates."""
    pixels = _surroundings(rng)
    for _ in range(rng.integers(3)):
        _distract(rng, pixels)
    taken = np.zeros(pixels.shape[:2], np.uint8)
    plates = []
    for _ in range(rng.integers(MOST + 1)):
        face = drawn_plates()[rng.integers(POOL)]
        corners = _corners(rng, *face.shape[1::-1])
        middle, spread = corners.mean(axis=0), np.ptp(corners, axis=0)
        (left, top), (right, bottom) = (np.maximum(0, middle + sign * 0.6 * spread) for sign in (-1, 1))
        area = taken[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        if area.any():
            continue
        area[:] = 1
        _lay(rng, pixels, face, corners)
        plates.append(corners)
    return Scene(_photographed(rng, pixels), np.array(plates, np.float32).reshape(-1, 4, 2))


def batch(rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns pictures (N, 3, 192, 192) in [-1, 1], and heat (N, 24, 24) and corners (N, 8, 24, 24)."""
    scenes = [scene(rng) for _ in range(size)]
    images = torch.from_numpy(np.stack([one.pixels for one in scenes])).permute(0, 3, 1, 2)
    targets = [target(one.plates) for one in scenes]
    heat, corners = (torch.from_numpy(np.stack(part)) for part in zip(*targets, strict=True))
    return images.float() / 127.5 - 1, heat, corners


def target(plates: Floats, side: int = SIZE // STRIDE) -> tuple[Floats, Floats]:
    """Returns heat (side, side) and corners (8, side, side), in px from the cell's middle.

    The heat is 1 in the cell of a plate's centre and falls with the distance in plates' sizes. The corners
    count where the heat is above 0.5.
    """
    heat, corners = np.zeros((side, side), np.float32), np.zeros((8, side, side), np.float32)
    x, y = np.meshgrid(*[(np.arange(side, dtype=np.float32) + 0.5) * STRIDE] * 2)
    for plate in plates:
        across, down = np.maximum(np.ptp(plate, axis=0) / 5, STRIDE / 2)
        middle = plate.mean(axis=0)
        cell = (middle // STRIDE).astype(int).clip(0, side - 1)
        bump = np.exp(-(((x - middle[0]) / across) ** 2 + ((y - middle[1]) / down) ** 2) / 2)
        bump[cell[1], cell[0]] = 1
        nearer = bump > heat
        heat = np.maximum(heat, bump)
        offsets = (plate.reshape(8, 1, 1) - np.stack([x, y] * 4)) * nearer
        corners = np.where(nearer, offsets, corners)
    return heat, corners


@cache
def drawn_plates() -> list[Pixels]:
    """Returns coloured plates from the front, at 0.27 px per mm."""
    rng = np.random.default_rng(0)
    return [_plate(rng) for _ in range(POOL)]


def _plate(rng: np.random.Generator) -> Pixels:
    plate = sample(rng)
    masks = cv2.resize(draw(rng, plate).masks, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    ink, red, down = (masks[..., index, None].astype(np.float32) / 255 for index in (INK, RED, DOWN))
    top, bottom = np.array(BACKGROUNDS[plate.colour], np.float32) + rng.normal(0, 0.04, (2, 3))
    inks = INKS[plate.colour] + red * (np.array((0.8, 0.08, 0.1)) - INKS[plate.colour])
    paint = top * (1 - down) + bottom * down
    pixels = np.clip(paint + ink * (inks - paint), 0, 1)
    return np.asarray(np.round(pixels * 255), np.uint8)


def _corners(rng: np.random.Generator, width: int, height: int) -> Floats:
    wide = float(np.exp(rng.uniform(np.log(24), np.log(150))))
    flat = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * (wide / 2, wide / 2 * height / width)
    angle, shear = rng.normal(0, 0.1), rng.normal(0, 0.15)
    sine, cosine = np.sin(angle), np.cos(angle)
    turn = np.array(((cosine * rng.uniform(0.75, 1), -sine), (sine + shear, cosine)))
    flat = flat @ turn.T + rng.normal(0, 0.02, (4, 2)) * wide
    return np.asarray(flat + rng.uniform(12, SIZE - 12, 2), np.float32)


def _lay(rng: np.random.Generator, pixels: Pixels, face: Pixels, corners: Floats) -> None:
    """Pastes the plate on a panel of random colour, as it looks in light of random strength and colour."""
    if rng.random() < 0.7:
        middle = corners.mean(axis=0)
        panel = middle + (corners - middle) * rng.uniform(1.1, 2.5, 2)
        cv2.fillConvexPoly(pixels, panel.astype(np.int32), [int(part) for part in rng.integers(0, 256, 3)])
    height, width = face.shape[:2]
    source = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    factor = max(1, round(width / max(8.0, float(np.linalg.norm(corners[1] - corners[0])))))
    small = cv2.resize(face, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    matrix = cv2.getPerspectiveTransform(source / factor, corners)
    light = np.exp(rng.normal(-0.1, 0.35)) * np.exp(rng.normal(0, 0.1, 3))
    lit = np.clip(small * light.astype(np.float32), 0, 255).astype(np.uint8)
    laid = cv2.warpPerspective(lit, matrix, (SIZE, SIZE))
    cover = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(cover, np.round(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    np.copyto(pixels, laid, where=cover[..., None] > 127)


def _distract(rng: np.random.Generator, pixels: Pixels) -> None:
    """Draws a panel, a bar or a word that is no plate."""
    colour = [int(part) for part in rng.integers(0, 256, 3)]
    x, y = (int(part) for part in rng.integers(0, SIZE, 2))
    width, height = (int(part) for part in rng.integers(8, 90, 2))
    if rng.random() < 0.6:
        cv2.rectangle(pixels, (x, y), (x + width, y + height), colour, -1)
    if rng.random() < 0.5:
        word = "".join(chr(one) for one in rng.integers(97, 123, rng.integers(3, 9)))
        scale = float(rng.uniform(0.3, 1))
        ink = [int(part) for part in rng.integers(0, 256, 3)]
        face, thick = int(rng.integers(0, 5)), int(rng.integers(1, 3))
        cv2.putText(pixels, word, (x, y + height), face, scale, ink, thick, cv2.LINE_AA)


@cache
def _pictures() -> list[Pixels]:
    return [np.ascontiguousarray(one[::step, ::step]) for one in photographs() for step in (2, 4)]


def _surroundings(rng: np.random.Generator) -> Pixels:
    picture = _pictures()[rng.integers(2 * len(photographs()))]
    side = int(rng.integers(96, min(320, *picture.shape[:2])))
    y, x = rng.integers(picture.shape[0] - side), rng.integers(picture.shape[1] - side)
    cut = cv2.resize(picture[y : y + side, x : x + side], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(cut[:, ::-1] if rng.random() < 0.5 else cut, np.uint8).copy()


def _photographed(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    if rng.random() < 0.6:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.4))  # type: ignore[assignment]
    strength = np.exp(rng.normal(-0.1, 0.3)) * np.exp(rng.normal(0, 0.08, 3))
    noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(255 * rng.uniform(0, 0.04))
    lit = pixels * strength.astype(np.float32) + noise
    return np.asarray(np.clip(lit, 0, 255), np.uint8)
