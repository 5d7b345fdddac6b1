"""Which parts of which text lines belong to a field, and the value they make together."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, cast

import cv2
import numpy as np

from serving.arrays import Floats

SLACK = 0.5  # of a line's height: what it may stand out of the field and still be read whole
SHORTEST = 0.3  # of a line's height: what must be inside the field
DOUBLED = 0.5  # of a part's area: what another has too, at most


class Value(NamedTuple):
    """What a field says: its lines, and their mean score, 0 to 1."""

    lines: tuple[str, ...]
    score: float

    @property
    def text(self) -> str:
        """The lines joined: by a space, but for Chinese and Japanese, which write none."""
        joined = ""
        for line in self.lines:
            space = " " if joined and not (_is_wide(joined[-1]) and _is_wide(line[0])) else ""
            joined += space + line
        return joined


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def parts(lines: Floats, field: Floats) -> list[Floats]:
    """The parts of lines, (L, 4, 2), inside a field, in their order.

    A box around a label often takes in the first character of the value, which has a box of its own: what
    mostly lies in a larger part is left out.
    """
    found = [part for line in lines if (part := clip(line, field)) is not None]
    return [
        part
        for part in found
        if not any(
            cv2.contourArea(part) < cv2.contourArea(other)
            and cv2.intersectConvexConvex(part, other)[0] > DOUBLED * cv2.contourArea(part)
            for other in found
        )
    ]


def clip(line: Floats, field: Floats) -> Floats | None:
    """The part of a line inside a field, cut across the line, or None where that is next to nothing.

    Both (4, 2), clockwise from the top-left, convex. Inside is where the middle of the line is.
    """
    turned = np.linalg.norm(line[1] - line[0]) < np.linalg.norm(line[3] - line[0])
    corners = np.roll(line, 1, axis=0) if turned else line  # edges 0-1 and 3-2 run along the text
    start, end = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    length = float(np.linalg.norm(end - start))
    height = float(np.linalg.norm(corners[3] - corners[0]))
    first, last = _inside(start, end, field)
    if (last - first) * length < min(SHORTEST * height, length):
        return None
    first = 0.0 if first * length <= SLACK * height else first
    last = 1.0 if (1 - last) * length <= SLACK * height else last
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
    """Where from `start`, 0, to `end`, 1, a segment is inside a clockwise convex polygon (Cyrus-Beck)."""
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


def value_of(texts: Sequence[tuple[str, float]], least: float) -> Value:
    """What the parts of a field, text and score each, say; a score below `least` is no text."""
    read = [(text.strip(), score) for text, score in texts if text.strip() and score >= least]
    mean = sum(score for _, score in read) / len(read) if read else 0.0
    return Value(tuple(text for text, _ in read), mean)
