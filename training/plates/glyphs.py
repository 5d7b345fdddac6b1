"""The characters of plates in many typefaces and weights, fitted into the standard's cells.

The typeface of real plates is not available, so many others stand in for it: condensed, rounded and DIN-like
ones of Debian's font packages, each thinned and thickened.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from containers.car_license_plate.grammar import ALPHABET
from serving.arrays import Floats, Pixels

FOLDER = Path("/usr/share/fonts")
LATIN = (
    "truetype/opendin/OSP-DIN.ttf",
    "opentype/national-park/NationalPark-Regular.otf",
    "opentype/national-park/NationalPark-Heavy.otf",
    "truetype/routed-gothic/routed-gothic.ttf",
    "truetype/routed-gothic/routed-gothic-narrow.ttf",
    "truetype/routed-gothic/routed-gothic-wide.ttf",
    "opentype/bebas-neue/BebasNeue-Regular.otf",
    "opentype/bebas-neue/BebasNeue-Bold.otf",
    "opentype/dosis/Dosis-Medium.otf",
    "opentype/dosis/Dosis-Bold.otf",
    "truetype/liberation/LiberationSans-Regular.ttf",
    "truetype/liberation/LiberationSans-Bold.ttf",
    "truetype/liberation/LiberationSansNarrow-Bold.ttf",
    "truetype/roboto/unhinted/RobotoCondensed-Regular.ttf",
    "truetype/roboto/unhinted/RobotoCondensed-Bold.ttf",
    "truetype/roboto/unhinted/RobotoTTF/Roboto-Medium.ttf",
    "truetype/open-sans/OpenSans-CondBold.ttf",
    "truetype/open-sans/OpenSans-Semibold.ttf",
    "opentype/urw-base35/NimbusSansNarrow-Regular.otf",
    "opentype/urw-base35/NimbusSansNarrow-Bold.otf",
    "opentype/urw-base35/NimbusSans-Bold.otf",
    "opentype/urw-base35/URWGothic-Demi.otf",
    "opentype/b612/B612-Regular.otf",
    "truetype/dejavu/DejaVuSansCondensed-Bold.ttf",
    "truetype/dejavu/DejaVuSans.ttf",
    "opentype/yanone-kaffeesatz/YanoneKaffeesatz-Regular.otf",
    "truetype/wqy/wqy-zenhei.ttc",
    "opentype/noto/NotoSansCJK-Medium.ttc",
)
HAN = (
    "opentype/noto/NotoSansCJK-Light.ttc",
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "opentype/noto/NotoSansCJK-Medium.ttc",
    "opentype/noto/NotoSansCJK-Bold.ttc",
    "truetype/wqy/wqy-zenhei.ttc",
    "truetype/wqy/wqy-microhei.ttc",
    "truetype/droid/DroidSansFallbackFull.ttf",
    "truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf",
    "truetype/smiley-sans/SmileySans-Oblique.ttf",
    "opentype/noto/NotoSerifCJK-Bold.ttc",
)
SIMPLIFIED = {"NotoSansCJK": 2, "NotoSerifCJK": 2}  # index of the typeface in its collection
HEIGHT, WIDTH = 48, 24  # px of a cell of 90 x 45 mm
WEIGHTS = (-0.15, 0.0, 0.2, 0.45)  # thickening of a stroke, in its own widths
BAR = 0.3  # least width of a 1, in cells
STEM = (7, 9, 11, 13)  # mm
VERTICES = (0.4, 0.5, 0.6, 0.7)  # depth of the middle of an M, in heights; on plates it ends half-way


def _strokes(character: str, vertex: float) -> list[list[tuple[float, float]]]:
    """Returns the lines, in a cell of 1 x 1, of a character whose form on plates is in no available font."""
    top, turn = 0.25 + 0.4 * vertex, np.linspace(0, 2 * np.pi, 40)
    bowl = [(0.5 - 0.5 * np.cos(a), top + (1 - top) * (0.5 - 0.5 * np.sin(a))) for a in turn]
    forms: dict[str, list[list[tuple[float, float]]]] = {
        "M": [[(0, 1), (0, 0), (0.5, vertex), (1, 0), (1, 1)]],
        "W": [[(0, 0), (0.22, 1), (0.5, 1 - vertex), (0.78, 1), (1, 0)]],
        "6": [bowl, [(0.7, 0), (0.04, 0.45 + vertex / 3)]],
        "9": [[(1 - x, 1 - y) for x, y in bowl], [(0.3, 1), (0.96, 0.55 - vertex / 3)]],
        "1": [[(0.5, 0), (0.5, 1)], [(0.5, 0), (0.25, 0.15)]],
    }
    return forms.get(character, [])


@cache
def glyphs() -> dict[str, tuple[Pixels, ...]]:
    """Returns the alphabet's characters as masks of ink, (48, 24) each, in every typeface and weight.

    A character that is also drawn by strokes has about as many of these as of the others.
    """
    masks_of = {}
    for character in ALPHABET:
        paths = LATIN if character.isascii() else HAN
        faces = [face for path in paths for face in _faces(path, character)]
        masks = [mask for face in faces for mask in _weighted(face, character)]
        forms = [lines for vertex in VERTICES if (lines := _strokes(character, vertex))]
        stroked = [_stroked(lines, stem) for lines in forms for stem in STEM]
        repeats = len(masks) // max(1, len(stroked))
        masks_of[character] = (*masks, *stroked * repeats)
    return masks_of


def _stroked(lines: list[list[tuple[float, float]]], stem: int) -> Pixels:
    large, scale = np.zeros((HEIGHT * 4, WIDTH * 4), np.uint8), HEIGHT * 4 / 90
    inner = np.array((WIDTH * 4 - stem * scale, HEIGHT * 4 - stem * scale))
    for line in lines:
        points = np.round(np.array(line) * inner + stem * scale / 2).astype(np.int32)
        cv2.polylines(large, [points], False, 255, round(stem * scale))
    return np.asarray(cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _faces(path: str, character: str) -> list[Floats]:
    """Returns large drawings of a character without margins. A 1 is drawn as an I, too, for a plain bar."""
    file = FOLDER / path
    font = ImageFont.truetype(str(file), 160, SIMPLIFIED.get(file.stem.partition("-")[0], 0))
    return [_drawn(font, one) for one in ("1", "I") if character == "1"] or [_drawn(font, character)]


def _drawn(font: ImageFont.FreeTypeFont, character: str) -> Floats:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(character))
    canvas = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(canvas).text((-left, -top), character, 255, font)
    return np.asarray(canvas, np.float32)


def _weighted(face: Floats, character: str) -> list[Pixels]:
    """Returns the drawing in every weight, each fitted into a cell."""
    width = WIDTH if character != "1" else round(WIDTH * min(0.5, max(BAR, face.shape[1] / face.shape[0])))
    pressed = np.asarray(cv2.resize(face, (width * 4, HEIGHT * 4), interpolation=cv2.INTER_AREA))
    inked = np.pad((pressed > 127).astype(np.uint8), 32)
    inside, outside = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) for mask in (inked, 1 - inked))
    stroke = 4 * inside[inked > 0].mean()  # a bar's mean distance to its edge is a quarter of its width
    cells = []
    for weight in WEIGHTS:
        mask = np.clip(inside - outside + weight * stroke / 2 + 0.5, 0, 1)
        rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0.5) for axis in (1, 0))
        cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        cell = np.zeros((HEIGHT, WIDTH), np.uint8)
        start = (WIDTH - width) // 2
        small = cv2.resize(cut, (width, HEIGHT), interpolation=cv2.INTER_AREA)
        cell[:, start : start + width] = np.round(small * 255)
        cells.append(cell)
    return cells
