"""Scenes with people of known opacity: heads of portraits on drawn bodies, over other backgrounds."""

from typing import NamedTuple, cast

import cv2
import numpy as np

from serving.arrays import Pixels
from training.faces.data.matte_bodies import Frame, Layer, body, head
from training.faces.data.matte_labels import SIDE as HEAD
from training.faces.data.matte_labels import Labelled
from training.faces.data.matte_surfaces import background

Random = np.random.Generator


class Scene(NamedTuple):
    """A picture, (S, S, 3) RGB, and the (S, S) opacity of its people."""

    image: Pixels
    opacity: Pixels


def scene(random: Random, heads: Labelled, photographs: tuple[Pixels, ...], side: int) -> Scene:
    """Composes a portrait in its own frame, one or two people with bodies, or nobody."""
    index = int(random.integers(len(heads.pixels)))
    kind = random.random()
    if kind < 0.35:
        size = (side, side)
        image = cv2.resize(tinted(random, heads.pixels[index]), size, interpolation=cv2.INTER_AREA)
        opacity = cv2.resize(heads.opacities[index], size, interpolation=cv2.INTER_AREA)
        return Scene(image.astype(np.uint8), opacity.astype(np.uint8))
    found = Scene(background(random, photographs, side), np.zeros((side, side), np.uint8))
    for one in random.choice(len(heads.pixels), (kind < 0.95) + (kind < 0.45)):
        found = _with_person(random, found, heads.pixels[one], heads.opacities[one], photographs)
    return found


def shown(random: Random, whole: Scene) -> Scene:
    """Returns a part of the scene as a camera would take it, at least 0.65 of its area, at times mirrored."""
    side = len(whole.opacity)
    width, height = (side * random.uniform(0.65, 1, 2) ** 0.5).astype(int)
    left, top = random.integers(side - width + 1), random.integers(side - height + 1)
    place = slice(top, top + height), slice(left, left + width)
    image, opacity = (cv2.resize(layer[place], (side, side)).astype(np.uint8) for layer in whole)
    if random.random() < 0.5:
        image, opacity = image[:, ::-1], opacity[:, ::-1]
    return Scene(photographed(random, image), np.ascontiguousarray(opacity))


def _with_person(
    random: Random, behind: Scene, pixels: Pixels, opacity: Pixels, photographs: tuple[Pixels, ...]
) -> Scene:
    """Adds a person anywhere, from close-up to whole figure, and stretched, as square crops are."""
    side = len(behind.opacity)
    scale = side / HEAD * np.exp(random.uniform(np.log(0.17), np.log(1.1)))
    across, down = scale * np.exp(random.normal((0.15, 0), (0.3, 0.1)))
    x = side * random.normal(0.5, 0.17) - across * HEAD / 2
    y = side * random.uniform(-0.05, 0.45) - min(0.2 * down * HEAD, side * 0.15)
    matrix = np.array(((across, random.normal(0, 0.1) * across, x), (0, down, y)), np.float32)
    pixels = tinted(random, pixels)
    skin = np.median(pixels[60:120, 60:116].reshape(-1, 3), 0)
    found = behind
    frame = Frame(matrix, side)
    for layer in body(random, opacity, skin, frame, photographs):
        found = _over(found, layer)
    return _over(found, head(random, pixels, opacity, frame))


def _over(behind: Scene, layer: Layer) -> Scene:
    """Lays the part over the scene, changes it in place and returns it."""
    colours, opacity = layer
    left, top, width, height = cv2.boundingRect(opacity)
    place = slice(top, top + height), slice(left, left + width)
    share = opacity[place][..., None] / np.float32(255)
    image = behind.image[place]
    image[:] = image + share * (colours[place].astype(np.float32) - image) + np.float32(0.5)
    behind.opacity[place] = np.maximum(behind.opacity[place], opacity[place])
    return behind


def tinted(random: Random, image: Pixels) -> Pixels:
    """Tints most pictures with skin colours and some with others, by a tone curve for each channel.

    Most portraits are grey.
    """
    kind = random.random()
    if kind < 0.25:
        return image
    skin = np.array((0.72, 1.0, 1.22)) + random.normal(0, 0.1, 3)
    gammas = skin if kind < 0.85 else random.uniform(0.6, 1.5, 3)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    curves = 255 * (np.arange(256)[:, None] / 255) ** (gammas * random.uniform(0.75, 1.3))
    return cast(Pixels, curves.astype(np.uint8)[grey])


def photographed(random: Random, image: Pixels) -> Pixels:
    """Changes light and focus, and adds noise and JPEG compression."""
    side = len(image)
    light = cv2.resize(random.normal(1, 0.12, (2, 2, 1)).astype(np.float32), (side, side))
    curve = 255 * (np.arange(256) / 255) ** np.exp(random.normal(0, 0.2))
    floats = curve.astype(np.float32)[image] * light[..., None]
    floats *= random.normal(1, 0.05, 3).astype(np.float32)
    if random.random() < 0.1:
        floats = np.repeat(floats.mean(2, keepdims=True), 3, 2)
    if random.random() < 0.3:
        floats = cv2.GaussianBlur(floats, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.4:
        floats = floats + random.uniform(1, 9) * random.standard_normal(floats.shape, np.float32)
    found = np.asarray(np.clip(floats, 0, 255), np.uint8)
    if random.random() < 0.4:
        quality = int(random.integers(35, 95))
        encoded = cv2.imencode(".jpg", found, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        found = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return found
