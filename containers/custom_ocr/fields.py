"""Finds the parts of text lines that belong to a field, and joins them into the field's value."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, cast

import cv2
import numpy as np

from serving.arrays import Floats

MAX_OVERHANG = 0.5  # of a line's height; a line that extends less beyond the field is not cut there
MIN_LENGTH = 0.3  # of a line's height; a shorter part inside the field is ignored
MAX_SHARED = 0.5  # of a part's area that a larger part may cover


class Value(NamedTuple):
    """The value of a field. score: mean of the lines' scores, 0 to 1."""

    lines: tuple[str, ...]
    score: float

    @property
    def text(self) -> str:
        """The lines, joined by a space, or without one between Chinese or Japanese characters."""
        joined = ""
        for line in self.lines:
            space = " " if joined and not (_is_wide(joined[-1]) and _is_wide(line[0])) else ""
            joined += space + line
        return joined


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def parts(lines: Floats, field: Floats) -> list[Floats]:
    """Returns the parts of lines, (L, 4, 2), that are inside a field, in the order of the lines.

    The box of a label often includes the first character of the value, which has a box of its own. Therefore
    a part that is mostly inside a larger part is left out.
    """
    found = [part for line in lines if (part := clip(line, field)) is not None]
    return [
        part
        for part in found
        if not any(
            cv2.contourArea(part) < cv2.contourArea(other)
            and cv2.intersectConvexConvex(part, other)[0] > MAX_SHARED * cv2.contourArea(part)
            for other in found
        )
    ]


def clip(line: Floats, field: Floats) -> Floats | None:
    """Cuts a line across at the edges of a field. Returns None when almost no part is inside.

    Both are convex, (4, 2) clockwise from the top-left. The centre line of `line` decides what is inside.
    """
    turned = np.linalg.norm(line[1] - line[0]) < np.linalg.norm(line[3] - line[0])
    corners = np.roll(line, 1, axis=0) if turned else line  # edges 0-1 and 3-2 run along the text
    start, end = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    length = float(np.linalg.norm(end - start))
    height = float(np.linalg.norm(corners[3] - corners[0]))
    first, last = _inside(start, end, field)
    if (last - first) * length < min(MIN_LENGTH * height, length):
        return None
    first = 0.0 if first * length <= MAX_OVERHANG * height else first
    last = 1.0 if (1 - last) * length <= MAX_OVERHANG * height else last
    top, bottom = corners[1] - corners[0], corners[2] - corners[3]
    part = np.stack(
        (
            corners[0] + first * top,
            corners[0] + last * top,
            corners[3] + last * bottom,
            corners[3] + first * bottom,
        )
    )
    return cast(Floats, (np.roll(part, -1, axis=0) if turned else part).astype(np.float32))


def _inside(start: Floats, end: Floats, polygon: Floats) -> tuple[float, float]:
    """Clips a segment, 0 at `start` to 1 at `end`, to a clockwise convex polygon (Cyrus-Beck)."""
    first, last = 0.0, 1.0
    for corner, following in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        inward = np.array((corner[1] - following[1], following[0] - corner[0]))
        ahead, along = float(inward @ (start - corner)), float(inward @ (end - start))
        if along == 0:
            if ahead < 0:
                return 1.0, 0.0
        elif along > 0:
            first = max(first, -ahead / along)
        else:
            last = min(last, -ahead / along)
    return first, last


def value_of(texts: Sequence[tuple[str, float]], min_score: float) -> Value:
    """Joins the texts of a field's parts into its value. Texts with a score below `min_score` are ignored."""
    read = [(text.strip(), score) for text, score in texts if text.strip() and score >= min_score]
    mean = sum(score for _, score in read) / len(read) if read else 0.0
    return Value(tuple(text for text, _ in read), mean)
