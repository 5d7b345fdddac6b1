"""Crops of drawn plates, as a recogniser gets them, changed by light, lens, distance, angle and JPEG."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.renders.plate_example import BACKGROUNDS
from containers.car_license_plate.grammar import ALPHABET
from containers.car_license_plate.line_readers import PlateNetReader
from serving.arrays import Doubles, Flags, Floats, Pixels
from training.material import photographs
from training.plates.drawing import DOWN, INK, PLATE, RED, Drawing, draw, in_one_row
from training.plates.texts import sample

WIDTH, HEIGHT = PlateNetReader.SIZE

LONGEST = 8  # characters of a plate
NO_PLATE = 0.03  # share of the crops
INKS = {"blue": 0.95, "black": 0.95, "yellow": 0.05, "green": 0.05, "white": 0.05}  # grey levels, 0..1


class Crop(NamedTuple):
    """A crop before it is coloured. masks: (24, 96, 4). centres: (characters,) x in px."""

    masks: Pixels
    text: str
    colour: str
    centres: Floats


def crop(rng: np.random.Generator) -> Crop:
    """Returns a plate at an angle, cut out around its outline or its text, more or less exactly."""
    plate = sample(rng)
    drawing = draw(rng, plate)
    if plate.two_rows:
        drawing = in_one_row(rng, drawing)
    matrix = _view(rng, drawing, upright=plate.two_rows)
    points = cv2.perspectiveTransform(drawing.centres[None], matrix)[0]
    matrix = np.diag((2.0, 2.0, 1.0)) @ matrix
    large = cv2.warpPerspective(drawing.masks, matrix, (2 * WIDTH, 2 * HEIGHT), flags=cv2.INTER_LINEAR)
    width = int(WIDTH * min(2.0, np.exp(rng.uniform(np.log(0.5), np.log(3)))))
    small = cv2.resize(large, (width, max(10, width // 4)), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_AREA if width > WIDTH else cv2.INTER_CUBIC
    masks = cv2.resize(small, (WIDTH, HEIGHT), interpolation=how)
    return Crop(np.asarray(masks, np.uint8), plate.text, plate.colour, points[:, 0])


def _view(rng: np.random.Generator, drawing: Drawing, *, upright: bool) -> Doubles:
    """Returns the (3, 3) matrix from the drawing to the crop. upright: the plate is tilted only slightly."""
    height, width = drawing.masks.shape[:2]
    plate = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    framed = plate + rng.uniform(0, 1) * (drawing.text - plate) if rng.random() < 0.5 else plate
    strength = 0.2 if upright else 1.0
    angle, shear = strength * rng.normal(0, 0.07), strength * rng.normal(0, 0.2)
    turn = np.array(((np.cos(angle), shear - np.sin(angle)), (np.sin(angle), np.cos(angle))))
    seen = ((plate - (width / 2, height / 2)) @ turn.T).astype(np.float32)
    seen += rng.normal(0, 0.04 * height * strength, (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(plate, seen)
    points = cv2.perspectiveTransform(framed.astype(np.float32)[None], matrix)[0]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.clip(rng.normal((0.015, 0.03), (0.02, 0.04), (2, 2)), -0.02, 0.12) * (high - low)
    low, high = low - margin[0], high + margin[1]
    scale = (WIDTH, HEIGHT) / (high - low)
    fit = np.array(((scale[0], 0, -low[0] * scale[0]), (0, scale[1], -low[1] * scale[1]), (0, 0, 1)))
    return np.asarray(fit @ matrix)


def batch(rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns crops (N, 3, 24, 96) RGB in [-1, 1], classes (N, 8), text lengths (N,) and x in px (N, 8)."""
    crops = [crop(rng) for _ in range(size)]
    empty = rng.random(size) < NO_PLATE
    pixels = coloured(rng, crops, empty)
    images = np.stack([_photographed(rng, one) for one in pixels])
    classes, centres = np.zeros((size, LONGEST), np.int64), np.zeros((size, LONGEST), np.float32)
    for row, places, one in zip(classes, centres, crops, strict=True):
        row[: len(one.text)] = [ALPHABET.index(character) for character in one.text]
        places[: len(one.text)] = one.centres
    lengths = np.array([len(one.text) for one in crops]) * ~empty
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return inputs, torch.from_numpy(classes), torch.from_numpy(lengths), torch.from_numpy(centres)


def coloured(rng: np.random.Generator, crops: list[Crop], empty: Flags) -> Pixels:
    """Returns (N, 24, 96, 3): the crops with paint, ink, dirt, light and surroundings."""
    n = len(crops)
    masks = np.stack([one.masks for one in crops]).astype(np.float32)[..., None, :] / 255
    ink, red, plate, down = (masks[..., index] for index in (INK, RED, PLATE, DOWN))
    plate = plate * ~empty[:, None, None, None]
    paint = np.array([BACKGROUNDS[one.colour] for one in crops], np.float32)[:, :, None, None]
    paint += rng.normal(0, 0.04, paint.shape)
    grey = np.array([INKS[one.colour] for one in crops], np.float32)[:, None, None, None]
    grey = grey + _normal(rng, 0.05, (n, 1, 1, 3))
    inks = grey + red * (np.array((0.8, 0.08, 0.1), np.float32) - grey)
    fade = 1 - _uniform(rng, 0, 0.6, n) * clouds(rng, n, 3, 8)
    pixels = paint[:, 0] * (1 - down) + paint[:, 1] * down
    pixels += ink * fade * (inks - pixels)
    pixels += _uniform(rng, 0, 0.3, n) * (clouds(rng, n, 4, 12) - 0.5)
    around = surroundings(rng, n) * _uniform(rng, 0.1, 1.2, n)
    pixels = around + plate * (pixels - around)
    pixels *= light(rng, n)
    return np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def light(rng: np.random.Generator, n: int) -> Floats:
    """Returns factors (N, 24, 96, 3): the light's strength, colour and slope, and the edge of one shadow."""
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[:, None]
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None, None]
    angle, sharpness = _uniform(rng, 0, 2 * np.pi, n), _uniform(rng, 3, 30, n)
    across = x * np.cos(angle) + y * np.sin(angle) - _uniform(rng, -0.8, 0.8, n)
    dark = _uniform(rng, 0, 0.7, n) * (rng.random((n, 1, 1, 1)) < 0.25)
    shadow = 1 - dark / (1 + np.exp(np.clip(sharpness * across, -30, 30)))
    slope = 1 + _normal(rng, 0.15, (n, 1, 1, 1)) * x + _normal(rng, 0.15, (n, 1, 1, 1)) * y
    strength = np.exp((_normal(rng, 0.45, (n, 1, 1, 1)) - np.float32(0.15)).clip(-1.5, 0.9))
    lit: Floats = strength * np.exp(_normal(rng, 0.12, (n, 1, 1, 3))) * slope * shadow
    return lit


def _normal(rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> Floats:
    return rng.standard_normal(shape, np.float32) * np.float32(spread)


def _uniform(rng: np.random.Generator, low: float, high: float, n: int) -> Floats:
    """Returns (N, 1, 1, 1) numbers between the two."""
    return rng.random((n, 1, 1, 1), np.float32) * np.float32(high - low) + np.float32(low)


def clouds(rng: np.random.Generator, n: int, rows: int, columns: int) -> Floats:
    """Returns smooth random values, (N, 24, 96, 1), 0..1."""
    coarse = rng.random((rows, columns, n)).astype(np.float32)
    smooth = [cv2.resize(coarse[..., start : start + 4], (WIDTH, HEIGHT)) for start in range(0, n, 4)]
    return np.concatenate([one.reshape(HEIGHT, WIDTH, -1) for one in smooth], 2).transpose(2, 0, 1)[..., None]


def surroundings(rng: np.random.Generator, n: int) -> Floats:
    """Returns (N, 24, 96, 3) pieces of photographs, 0..1. Half of them are nearly of one colour."""
    pieces = np.empty((n, HEIGHT, WIDTH, 3), np.float32)
    pictures = [one[::4, ::4] for one in photographs()]
    for piece in pieces:
        picture = pictures[rng.integers(len(pictures))]
        height, width = (24, 96) if rng.random() < 0.5 else (3, 12)
        y, x = rng.integers(picture.shape[0] - height), rng.integers(picture.shape[1] - width)
        piece[:] = cv2.resize(picture[y : y + height, x : x + width], (WIDTH, HEIGHT)) / np.float32(255)
    return pieces


def _photographed(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Makes the picture out of focus or shaken, or sharpens it, then adds noise and JPEG compression."""
    kind = rng.random()
    if kind < 0.35:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.0))  # type: ignore[assignment]
    elif kind < 0.55:
        pixels = cv2.filter2D(pixels, -1, _shake(rng))  # type: ignore[assignment]
    elif kind < 0.75:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        share = rng.uniform(0.3, 1.5)
        pixels = cv2.addWeighted(pixels, 1 + share, soft, -share, 0)  # type: ignore[assignment]
    if rng.random() < 0.7:
        noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(255 * rng.uniform(0, 0.06))
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))))
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return pixels


def _shake(rng: np.random.Generator) -> Floats:
    """Returns the (7, 7) kernel of a camera that moved along a line."""
    kernel = np.zeros((7, 7), np.float32)
    angle, reach = rng.uniform(0, np.pi), rng.uniform(0.8, 2.6)
    along = np.array((np.cos(angle) * reach, np.sin(angle) * reach * 0.5))
    ends = [tuple(np.round((3 + sign * along) * 16).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return kernel / max(1e-6, float(kernel.sum()))
