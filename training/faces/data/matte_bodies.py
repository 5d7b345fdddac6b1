"""Figures of people: the head of a portrait, and a body drawn below it in the portrait's coordinates."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.arrays import Doubles, Floats, Pixels
from training.faces.data.matte_labels import SIDE as HEAD
from training.faces.data.matte_surfaces import cloth

Random = np.random.Generator

_PAD = 72  # pixels around a portrait, in which a head cut by the frame is completed
_CENTRE, _CHEEK = 88, 28  # px, the neck's middle and half width where the opacity ends above the lower edge


class Frame(NamedTuple):
    """A mapping into a scene. matrix: (2, 3), from the portrait's pixels to the scene's.

    side: pixels along each side of the scene.
    """

    matrix: Floats
    side: int

    @property
    def scale(self) -> float:
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1]))


class Layer(NamedTuple):
    """A part of a person: (S, S, 3) colours and (S, S) opacity."""

    colours: Pixels
    opacity: Pixels


def head(random: Random, pixels: Pixels, opacity: Pixels, frame: Frame) -> Layer:
    """Returns the portrait, which fades into the body below; a head cut by the picture's edge is rounded."""
    alpha = _rounded_head(random, opacity)
    alpha[-10:] = alpha[-10:] * np.linspace(1, 0, 10)[:, None]
    colours = cv2.copyMakeBorder(pixels, _PAD, 0, _PAD, _PAD, cv2.BORDER_REFLECT_101)
    matrix, size = frame.matrix.copy(), (frame.side, frame.side)
    matrix[:, 2] -= matrix[:, :2] @ np.full(2, _PAD, np.float32)
    shrink = min(1.0, 1.4 * frame.scale)
    if shrink < 0.7:  # smooths what the warp would sample too coarsely
        sigma = 0.4 / shrink
        colours = cv2.GaussianBlur(colours, (0, 0), sigma)
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.uint8)
    return Layer(
        cv2.warpAffine(colours, matrix, size, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8),
        cv2.warpAffine(alpha, matrix, size).astype(np.uint8),
    )


def _rounded_head(random: Random, opacity: Pixels) -> Pixels:
    """Returns the opacity with `_PAD` more on three sides, and half an ellipse where the head was cut."""
    alpha = cv2.copyMakeBorder(opacity, _PAD, 0, _PAD, _PAD, cv2.BORDER_CONSTANT)
    top, left, right = random.uniform(0.2, 0.45), random.uniform(0.1, 0.3), random.uniform(0.1, 0.3)
    for row, depth, start in (
        (opacity[0], top, None),
        (opacity[:, 0], left, _PAD),
        (opacity[:, -1], right, _PAD + HEAD - 1),
    ):
        covered = np.flatnonzero(row > 127)
        if len(covered) <= 8 or (start is not None and covered[-1] >= HEAD - 30):  # shoulders
            continue
        middle, half = float(covered[0] + covered[-1]) / 2, float(covered[-1] - covered[0]) / 2
        reach = min(2 * half * depth, _PAD - 2)
        centre, radii = (round(middle + _PAD), _PAD), (round(half), round(reach))
        if start is not None:
            centre, radii = (start, centre[0]), (radii[1], radii[0])
        cv2.ellipse(alpha, centre, radii, 0, 0, 360, 255, -1)
    return np.asarray(alpha, np.uint8)


def body(
    random: Random, opacity: Pixels, skin: Floats, frame: Frame, photographs: tuple[Pixels, ...]
) -> list[Layer]:
    """Returns legs, torso, neck and arms, the hindmost first.

    opacity: (176, 176) of the portrait, as labelled. skin: (3,) RGB in 0..255, measured on the portrait.
    """
    chin = np.flatnonzero(opacity[-6:].max(0) > 127)
    left, right = (chin[0], chin[-1]) if len(chin) > 20 else (_CENTRE - _CHEEK, _CENTRE + _CHEEK)
    middle, neck = (left + right) / 2, float(np.clip((right - left) / 2, 30, 55))
    width, drop, length = random.uniform(95, 165), random.uniform(15, 70), random.uniform(280, 440)
    waist = width * random.uniform(0.6, 1.0)
    bottom, shoulder = HEAD + length, HEAD + drop
    right_half = ((neck, HEAD - 14), (0.8 * width, shoulder - 0.3 * drop), (width, shoulder), (waist, bottom))
    torso = np.array([(-x, y) for x, y in right_half] + [*right_half[::-1]])
    torso[:, 0] += middle
    coat, trousers = (cloth(random, photographs, frame.side) for _ in range(2))
    bare = np.broadcast_to(skin, coat.shape).astype(np.uint8)
    sleeve = bare if random.random() < 0.25 else coat
    legs = [_leg(random, (middle + sign * 0.5 * waist, bottom - 30), waist, frame) for sign in (-1, 1)]
    gap, depth = random.uniform(0, 0.9) * neck, drop * random.uniform(0.5, 1.6)
    tips = ((5 - neck, -20), (neck - 5, -20), (gap, 0.5 * drop), (0, depth), (-gap, 0.5 * drop))
    collar = np.array(tips) + np.array((middle, HEAD))
    return [
        *(Layer(trousers, leg) for leg in legs),
        *(Layer(coat, _filled(torso, frame)), Layer(bare, _filled(collar, frame))),
        *_arm(random, (middle - width + 25, shoulder + 25), -1, (bare, sleeve), frame),
        *_arm(random, (middle + width - 25, shoulder + 25), 1, (bare, sleeve), frame),
    ]


def _leg(random: Random, hip: tuple[float, float], waist: float, frame: Frame) -> Pixels:
    knee = np.array(hip) + np.array((random.normal(0, 40), random.uniform(150, 260)))
    foot = knee + np.array((random.normal(0, 40), random.uniform(150, 260)))
    return _limb((np.array(hip), knee, foot), random.uniform(0.7, 1.1) * waist, frame)


def _arm(
    random: Random, start: tuple[float, float], sign: int, surfaces: tuple[Pixels, Pixels], frame: Frame
) -> tuple[Layer, Layer]:
    """Draws the hand and the sleeve, which use the two surfaces. sign: the direction of x that is outward."""
    elbow = np.array(start) + np.array((sign * random.uniform(-10, 90), random.uniform(60, 180)))
    hand = elbow + random.normal((0, 60), (90, 80))
    thick = random.uniform(50, 80)
    sleeve = (np.array(start), elbow, (elbow + 2 * hand) / 3)
    bare, cloth_ = surfaces
    return Layer(bare, _limb((elbow, hand), 0.7 * thick, frame)), Layer(cloth_, _limb(sleeve, thick, frame))


def _filled(points: Doubles, frame: Frame) -> Pixels:
    canvas = np.zeros((frame.side, frame.side), np.uint8)
    cv2.fillPoly(canvas, [_placed(points, frame)], 255, cv2.LINE_AA, shift=4)
    return _rounded(canvas, frame)


def _limb(points: tuple[Doubles, ...], thick: float, frame: Frame) -> Pixels:
    canvas, width = np.zeros((frame.side, frame.side), np.uint8), max(1, round(thick * frame.scale))
    cv2.polylines(canvas, [_placed(np.stack(points), frame)], False, 255, width, cv2.LINE_AA, shift=4)
    return _rounded(canvas, frame)


def _placed(points: Doubles, frame: Frame) -> NDArray[np.int32]:
    """Returns the points in the scene, in sixteenths of a pixel."""
    return np.rint(16 * (points @ frame.matrix[:, :2].T + frame.matrix[:, 2])).astype(np.int32)


def _rounded(mask: Pixels, frame: Frame) -> Pixels:
    """Returns the mask with rounded corners."""
    reach = int(8 * frame.matrix[0, 0])
    size = (2 * reach + 1, 2 * reach + 1)
    soft = cv2.blur(cv2.blur(mask, size), size).astype(np.float32) - 127.5
    return np.asarray(np.clip(soft * (1 + reach) + 127.5, 0, 255), np.uint8)
