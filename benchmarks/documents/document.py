"""A kind of document: what is always printed on it, and the fields that are filled in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from serving.arrays import Pixels

from .page import INK, LEADING, Box, Colour, Page

Corners = list[tuple[int, int]]


@dataclass(frozen=True)
class Field:
    """Where a value is printed, and how one is invented; lines of a value are parted by newlines."""

    name: str
    box: Box
    invent: Callable[[np.random.Generator], str]
    size: int = 28
    align: Literal["l", "m", "r"] = "l"
    colour: Colour = INK
    bold: bool = False
    lines: int = 1  # at most; fewer stand at the top

    MARGIN = 10  # pixels between the box a user would draw and the value

    def print(self, page: Page, value: str) -> None:
        left, top, right, bottom = self.box
        middle = (top + bottom) / 2 - (self.lines - 1 - value.count("\n")) / 2 * self.size * LEADING
        x = {"l": left + self.MARGIN, "m": (left + right) / 2, "r": right - self.MARGIN}[self.align]
        put = page.heading if self.bold else page.words
        put((x, middle), value, self.size, self.colour, f"{self.align}m")


@dataclass(frozen=True)
class Document:
    """size: width, height. paper: its colour at the top and at the bottom.

    printed: draws all but the values; it sees them, because bar codes and portraits differ with them.
    """

    size: tuple[int, int]
    paper: tuple[Colour, Colour]
    printed: Callable[[Page, Mapping[str, str]], None]
    blanks: Sequence[Field]
    latin: bool = False  # set in Pillow's own typeface, which has no Chinese

    @property
    def fields(self) -> list[tuple[Corners, str]]:
        """Corners of every field, clockwise from the top-left, and its name, as in a request to add it."""
        return [
            ([(left, top), (right, top), (right, bottom), (left, bottom)], blank.name)
            for blank in self.blanks
            for left, top, right, bottom in [blank.box]
        ]

    def values(self, rng: np.random.Generator) -> dict[str, str]:
        """A plausible value for every field."""
        return {blank.name: blank.invent(rng) for blank in self.blanks}

    def render(self, values: Mapping[str, str]) -> Pixels:
        """The flat page, (H, W, 3) RGB."""
        page = Page(self.size, *self.paper, latin=self.latin)
        self.printed(page, values)
        for blank in self.blanks:
            blank.print(page, values[blank.name])
        return np.asarray(page.image).copy()
