"""A kind of document: its fixed print, and the fields that are filled in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from serving.arrays import Pixels

from .page import INK, LEADING, Box, Colour, Page

Corners = list[tuple[int, int]]


@dataclass(frozen=True)
class Field:
    """A field: the place of its value, and a function that invents one; newlines separate a value's lines."""

    name: str
    box: Box
    invent: Callable[[np.random.Generator], str]
    size: int = 28
    align: Literal["l", "m", "r"] = "l"
    colour: Colour = INK
    bold: bool = False
    lines: int = 1  # at most; fewer lines are printed at the top

    MARGIN = 10  # pixels between the value and the box that a user would draw

    def print(self, page: Page, value: str) -> None:
        left, top, right, bottom = self.box
        middle = (top + bottom) / 2 - (self.lines - 1 - value.count("\n")) / 2 * self.size * LEADING
        x = {"l": left + self.MARGIN, "m": (left + right) / 2, "r": right - self.MARGIN}[self.align]
        put = page.heading if self.bold else page.words
        put((x, middle), value, self.size, self.colour, f"{self.align}m")


@dataclass(frozen=True)
class Document:
    """A kind of document.

    size: width, height. paper: its colour at the top and at the bottom. printed: draws everything except the
    values; it receives them, because bar codes and portraits depend on them.
    """

    size: tuple[int, int]
    paper: tuple[Colour, Colour]
    printed: Callable[[Page, Mapping[str, str]], None]
    blanks: Sequence[Field]
    latin: bool = False  # printed in Pillow's own typeface, which has no Chinese

    @property
    def fields(self) -> list[tuple[Corners, str]]:
        """Every field's corners, clockwise from the top left, and its name, as in a request to add it."""
        return [
            ([(left, top), (right, top), (right, bottom), (left, bottom)], blank.name)
            for blank in self.blanks
            for left, top, right, bottom in [blank.box]
        ]

    def values(self, rng: np.random.Generator) -> dict[str, str]:
        """Invents plausible values for all fields, by name."""
        return {blank.name: blank.invent(rng) for blank in self.blanks}

    def render(self, values: Mapping[str, str]) -> Pixels:
        """Draws the flat page, (H, W, 3) RGB, with these values."""
        page = Page(self.size, *self.paper, latin=self.latin)
        self.printed(page, values)
        for blank in self.blanks:
            blank.print(page, values[blank.name])
        return np.asarray(page.image).copy()
