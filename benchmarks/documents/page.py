"""A page to print on: words, rules, seals, codes and security patterns."""

import math
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from serving.arrays import Pixels
from serving.images.drawing import FONT

Box = tuple[int, int, int, int]  # left, top, right, bottom
Point = tuple[float, float]
Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK: Colour = (34, 36, 42)
LEADING = 1.4  # distance of lines, in type sizes


@cache
def font(size: int, latin: bool) -> Font:
    if latin:
        return ImageFont.load_default(size)
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def rng_of(words: str) -> np.random.Generator:
    """Returns the same generator for the same words, in every process."""
    return np.random.default_rng(zlib.crc32(words.encode()))


class Page:
    """A page with methods that print on it; `image` is the picture so far."""

    def __init__(self, size: tuple[int, int], top: Colour, bottom: Colour, *, latin: bool = False) -> None:
        """Fills the paper with an even gradient between two colours."""
        self._latin = latin
        width, height = size
        share = np.linspace(0, 1, height)[:, None, None]
        rows = (1 - share) * top + share * np.array(bottom)
        self.image = Image.fromarray(np.repeat(rows, width, axis=1).round().astype(np.uint8))
        self.draw = ImageDraw.Draw(self.image)

    def words(self, at: Point, words: str, size: int, colour: Colour = INK, anchor: str = "lm") -> None:
        """Prints lines of text; the block is vertically centred on the point. anchor: as Pillow names it."""
        x, y = at
        lines = words.split("\n")
        for index, line in enumerate(lines):
            middle = y + (index - (len(lines) - 1) / 2) * size * LEADING
            self.draw.text((x, middle), line, colour, font(size, self._latin), anchor)

    def heading(self, at: Point, words: str, size: int, colour: Colour = INK, anchor: str = "lm") -> None:
        """Prints words several times with a small shift, which makes them bold."""
        for shift in range(2 + size // 30):
            self.words((at[0] + shift, at[1]), words, size, colour, anchor)

    def column(self, x: float, top: float, words: str, size: int, colour: Colour) -> None:
        """Prints words downwards, one character under the other."""
        for index, character in enumerate(words):
            self.draw.text((x, top + index * size * 1.25), character, colour, font(size, False), "mt")

    def grid(self, across: Sequence[int], down: Sequence[int], colour: Colour, width: int = 2) -> None:
        """Draws a table's rules: vertical ones at the x in `across`, horizontal ones at the y in `down`."""
        for x in across:
            self.draw.line((x, down[0], x, down[-1]), colour, width)
        for y in down:
            self.draw.line((across[0], y, across[-1], y), colour, width)

    def dashes(self, start: Point, end: Point, colour: Colour, step: int = 14, width: int = 2) -> None:
        length = math.dist(start, end)
        for done in np.arange(0, length, step):
            ends = [
                tuple(a + (b - a) * along / length for a, b in zip(start, end, strict=True))
                for along in (done, done + step * 0.6)
            ]
            self.draw.line([*ends[0], *ends[1]], colour, width)

    def waves(self, box: Box, colour: Colour, step: int = 14, swing: float = 18, period: float = 70) -> None:
        """Draws wavy security lines, as on tickets."""
        left, top, right, bottom = box
        x = np.arange(left, right, 6)
        for index, y in enumerate(range(top, bottom, step)):
            line = y + swing * np.sin(x / period + index * 0.35) * np.cos(x / (period * 2.7))
            self.draw.line([*map(tuple, np.stack([x, line], axis=1))], colour, 1)

    def square_code(self, box: Box, words: str, cells: int = 25) -> None:
        """Draws something that looks like a QR code with three finders; it cannot be scanned."""
        dark = rng_of(words).random((cells, cells)) < 0.48
        for down, across in ((0, 0), (0, cells - 7), (cells - 7, 0)):
            ring = np.ones((7, 7), bool)
            ring[1:6, 1:6] = False
            ring[2:5, 2:5] = True
            dark[down : down + 7, across : across + 7] = ring
        code = Image.fromarray(np.where(dark, 20, 250).astype(np.uint8))
        size = (box[2] - box[0], box[3] - box[1])
        self.image.paste(code.resize(size, Image.Resampling.NEAREST).convert("RGB"), box[:2])

    def bar_code(self, box: Box, words: str) -> None:
        """Draws something that looks like a bar code; it cannot be scanned."""
        x, rng = float(box[0]), rng_of(words)
        unit = (box[2] - box[0]) / 240
        while x < box[2]:
            bar, gap = rng.integers(1, 4, 2) * unit
            self.draw.rectangle((x, box[1], min(x + bar, box[2]), box[3]), INK)
            x += bar + gap

    def seal(self, centre: Point, radius: int, around: str, across: str = "", strength: float = 0.75) -> None:
        """Stamps a round red seal with a star.

        around: words along its upper edge. across: words in a straight line below the star.
        """
        ink = Image.new("L", (2 * radius, 2 * radius))
        pen = ImageDraw.Draw(ink)
        pen.ellipse((2, 2, 2 * radius - 3, 2 * radius - 3), outline=255, width=max(3, radius // 22))
        pen.polygon(star((radius, radius), radius * 0.27), 255)
        size = round(radius * 0.24)
        pen.text((radius, radius * 1.52), across, 255, font(size, False), "mm")
        for index, character in enumerate(around):
            turn = (index - (len(around) - 1) / 2) * min(22.0, 240 / len(around))
            glyph = Image.new("L", ink.size)
            ImageDraw.Draw(glyph).text((radius, radius * 0.24), character, 255, font(size, False), "mm")
            ink.paste(255, mask=glyph.rotate(-turn, Image.Resampling.BICUBIC))
        corner = (round(centre[0]) - radius, round(centre[1]) - radius)
        self.image.paste((205, 30, 40), corner, ink.point(lambda level: level * strength))

    def picture(self, pixels: Pixels, at: tuple[int, int]) -> None:
        self.image.paste(Image.fromarray(pixels), at)


def star(centre: Point, radius: float) -> list[Point]:
    """Returns the corners of an upright five-pointed star."""
    return [
        (
            centre[0] + radius * (1 if corner % 2 == 0 else 0.38) * math.sin(corner * math.pi / 5),
            centre[1] - radius * (1 if corner % 2 == 0 else 0.38) * math.cos(corner * math.pi / 5),
        )
        for corner in range(10)
    ]
