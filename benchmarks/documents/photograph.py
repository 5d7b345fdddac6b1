"""Photographs a page as a telephone would: on a table, at an angle, unevenly lit, compressed."""

import math
from functools import cache

import cv2
import numpy as np

from serving.arrays import Doubles, Floats, Pixels

from .page import Page, rng_of

LEGIBLE = 0.82  # photograph pixels per page pixel, at least, if the photograph has room


def photograph(  # noqa: PLR0913  (an options class would only move the parameters to another place)
    page: Pixels,
    rng: np.random.Generator,
    *,
    max_rotation_deg: float = 25,
    perspective: float = 0.08,
    long_side: tuple[int, int] = (1200, 1800),
    filled: tuple[float, float] = (0.75, 0.97),
    quality: tuple[int, int] = (50, 90),
) -> tuple[Pixels, Doubles]:
    """Returns a photograph, (H, W, 3) RGB with sides of 4 to 3, and the (3, 3) matrix from page to it.

    max_rotation_deg: to either side. perspective: largest shift of each corner in both directions, as a
    share of the page's sides. long_side: range of the longer side in pixels. filled: range of the share of
    the photograph that the page takes up, in width or height, whichever is tighter. quality: range of
    values for JPEG.
    """
    quad = _askew(page.shape[1], page.shape[0], rng, max_rotation_deg, perspective)
    extent = np.ptp(quad, axis=0)
    frame = np.array((4, 3) if extent[0] > extent[1] else (3, 4)) / 4
    side = int(rng.integers(*long_side, endpoint=True))
    side = min(max(side, math.ceil(max(LEGIBLE * extent / frame) / filled[1])), long_side[1])
    fitting = min(frame * side / extent)
    scale = np.clip(rng.uniform(*filled) * fitting, LEGIBLE, filled[1] * fitting)
    room = frame * side - extent * scale
    quad = (quad - quad.min(axis=0)) * scale + room * rng.uniform(0.1, 0.9, 2)
    height, width = page.shape[:2]
    flat = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    homography = np.asarray(cv2.getPerspectiveTransform(flat, quad.astype(np.float32)), np.float64)
    scene = _table(rng, *(int(edge) for edge in (frame * side).round()))
    _lay(scene, page, homography, quad, rng)
    _light(scene, rng)
    return _sensed(scene, rng, int(rng.integers(*quality, endpoint=True))), homography


def _askew(width: int, height: int, rng: np.random.Generator, rotation: float, perspective: float) -> Doubles:
    """Returns the corners of the turned page, (4, 2), about the origin."""
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) / 2
    corners = (corners + rng.uniform(-perspective, perspective, (4, 2))) * (width, height)
    turn = math.radians(rng.uniform(-rotation, rotation))
    return np.asarray(
        corners @ np.array(((math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))))
    )


def _table(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Draws wood, cloth, stone or a plain desk, sometimes with another paper on it."""
    tone = _tone(rng, height // 2, width // 2)
    tint = np.array(((150, 105, 70), (175, 165, 150), (95, 100, 108), (120, 140, 130), (205, 195, 180)))
    colour = tint[rng.integers(len(tint))] * rng.uniform(0.6, 1.1)
    small = np.clip(tone[..., None] * colour, 0, 255).astype(np.uint8)
    scene = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.4:
        _other_paper(scene, rng)
    return scene


def _tone(rng: np.random.Generator, height: int, width: int) -> Floats:
    kind = rng.integers(4)
    if kind == 0:  # wood
        grain = _clouds(rng, height, width, 8, width // 3)
        tone = 1 + 0.07 * _clouds(rng, height, width, 4, 60) + 0.05 * grain
        return tone if rng.random() < 0.5 else np.ascontiguousarray(cv2.resize(tone.T, (width, height)))
    if kind == 1:  # cloth
        y, x = np.ogrid[0:height, 0:width]
        weave = np.sin(x * 1.3) + np.sin(y * 1.3)
        return (1 + 0.05 * weave + 0.06 * _clouds(rng, height, width, 9, 12)).astype(np.float32)
    if kind == 2:  # stone
        grain = _clouds(rng, height, width, height // 3, width // 3)
        return 1 + 0.08 * grain + 0.05 * _clouds(rng, height, width, 8, 8)
    return 1 + 0.04 * _clouds(rng, height, width, 2, 3)


def _clouds(rng: np.random.Generator, height: int, width: int, down: int, across: int) -> Floats:
    """Returns smooth random values with mean 0 and deviation about 1."""
    coarse = rng.standard_normal((down, across), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _other_paper(scene: Pixels, rng: np.random.Generator) -> None:
    """Draws a printed sheet that sticks out from under the page."""
    height, width = scene.shape[:2]
    centre = rng.uniform(0, 1, 2) * (width, height)
    corners = centre + _askew(width // 2, height // 2, rng, 40, 0.03)
    sheet = _print()
    down, across = sheet.shape[:2]
    flat = np.array(((0, 0), (across, 0), (across, down), (0, down)), np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    cv2.warpPerspective(sheet, matrix, (width, height), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)


@cache
def _print() -> Pixels:
    paper = (238, 236, 230)
    page, rng = Page((600, 450), paper, paper), rng_of("another paper")
    for top in range(40, 430, 34):
        words = " ".join(rng.choice(["meeting", "notes", "agenda", "会议", "记录", "安排", "of", "2021"], 6))
        page.words((30, top), words, 20, (90, 90, 95))
    return np.asarray(page.image)


def _lay(scene: Pixels, page: Pixels, homography: Doubles, quad: Doubles, rng: np.random.Generator) -> None:
    """Puts the page and its shadow into the scene."""
    height, width = scene.shape[:2]
    cover = np.zeros((height // 4, width // 4), np.float32)
    offset = rng.uniform(-6, 6, 2)
    cv2.fillConvexPoly(cover, ((quad + offset) / 4).round().astype(np.int32), float(rng.uniform(0.2, 0.5)))
    shade = cv2.resize(1 - cv2.GaussianBlur(cover, (0, 0), 3), (width, height))
    scene[:] = cv2.multiply(scene, cv2.merge([shade] * 3), dtype=cv2.CV_8U)
    cv2.warpPerspective(page, homography, (width, height), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)


def _light(scene: Pixels, rng: np.random.Generator) -> None:
    """Darkens one side and the corners, and adds the edge of a person's shadow and a colour cast."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[-1:1:72j, -1:1:96j].astype(np.float32)
    turn, edge = rng.uniform(0, 2 * math.pi, 2)
    light = rng.uniform(0.85, 1.1) * (1 + rng.uniform(0.03, 0.2) * (x * math.cos(turn) + y * math.sin(turn)))
    light = light * (1 - rng.uniform(0.05, 0.18) * (x**2 + y**2))
    across = (x * math.cos(edge) + y * math.sin(edge) - rng.uniform(-0.5, 0.8)) / rng.uniform(0.02, 0.15)
    light = light * (1 - rng.uniform(0, 0.35) / (1 + np.exp(-np.clip(across, -30, 30))))
    cast = (1 + rng.uniform(-0.08, 0.08), 1.0, 1 + rng.uniform(-0.12, 0.08))
    light = cv2.resize(light.astype(np.float32), (width, height))
    scene[:] = cv2.multiply(scene, cv2.merge([light * gain for gain in cast]), dtype=cv2.CV_8U)


def _sensed(scene: Pixels, rng: np.random.Generator, quality: int) -> Pixels:
    """Makes the scene blurred, grainy and compressed. The grain repeats every 512 pixels, for speed."""
    height, width = scene.shape[:2]
    blurred = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.4, 1.0))
    grain = (rng.standard_normal((512, 512, 3), np.float32) * rng.uniform(1.5, 6)).astype(np.int16)
    grain = np.tile(grain, (-(-height // 512), -(-width // 512), 1))[:height, :width]
    noisy = cv2.add(blurred, grain, dtype=cv2.CV_8U)
    bgr = cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), np.uint8)
