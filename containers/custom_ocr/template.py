"""A template: the image of a document, its fields, and the text lines that help to find it in photographs."""

import hashlib
import unicodedata
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import dist
from typing import Literal, Self

import msgspec
import numpy as np

from serving.arrays import Pixels
from serving.errors import UnprocessableInput

MAX_FIELDS = 200
MAX_NAME = 100  # characters of a field's name
MIN_SIDE, MIN_AREA = 3, 16  # of a field, px and px²

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
_ORDER = ("top-left", "top-right", "bottom-right", "bottom-left")


class Field(msgspec.Struct, frozen=True):
    """A field of a template. corners: x and y in pixels of its image, clockwise from the text's top-left."""

    name: str
    corners: Corners


class Anchor(msgspec.Struct, frozen=True):
    """A text line that was read in the template's image. Its corners have the order of a field's corners."""

    text: str
    corners: Corners


class Template(msgspec.Struct, frozen=True):
    """A template as the store has it, in JSON. image: PNG with RGB pixels, in JSON as base64."""

    fields: tuple[Field, ...]
    anchors: tuple[Anchor, ...]
    image: bytes
    version: Literal[1] = 1

    @classmethod
    def of(cls, image: Pixels, fields: Sequence[Field], anchors: Sequence[Anchor]) -> Self:
        """Encodes the image, (H, W, 3) RGB, as PNG. `Media.decode` returns the same pixels."""
        import cv2

        _, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return cls(tuple(fields), tuple(anchors), png.tobytes())


def template_id(image: Pixels, fields: Sequence[Field]) -> str:
    """Returns 40 hexadecimal digits of SHA-256 over (H, W, 3) RGB pixels and the fields from `fields_of`.

    The id is the same for every lossless file format of the image.
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    digest.update(msgspec.json.encode(fields))
    return digest.hexdigest()[:40]


def fields_of(template: Sequence[tuple[Corners, str]], width: int, height: int) -> tuple[Field, ...]:
    """Checks and returns the fields that a request defines on an image of this size, in the request's order.

    A field may be turned, because its corners give the direction of its text. Raises `UnprocessableInput`.
    """
    if not 1 <= len(template) <= MAX_FIELDS:
        raise UnprocessableInput(f"template: {len(template)} fields, at least 1 and at most {MAX_FIELDS}")
    fields: dict[str, Field] = {}
    for index, (corners, given) in enumerate(template):
        name = given.strip()
        if fault := _name_fault(name, fields):
            raise UnprocessableInput(f"template[{index}]: {fault}")
        if fault := _shape_fault(corners, width, height):
            raise UnprocessableInput(f"template[{index}] {name!r}: {fault}")
        # adding 0.0 leaves no -0.0 and no int, because the template's id depends on the numbers
        a, b, c, d = ((x + 0.0, y + 0.0) for x, y in corners)
        fields[name] = Field(name, (a, b, c, d))
    return tuple(fields.values())


def _name_fault(name: str, taken: Collection[str]) -> str | None:
    if not name:
        return "the name is empty"
    if len(name) > MAX_NAME:
        return f"the name has {len(name)} characters, at most {MAX_NAME}"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return f"the name {name!r} has a control character"
    return f"the name {name!r} is taken by another field" if name in taken else None


def _shape_fault(corners: Corners, width: int, height: int) -> str | None:
    for place, (x, y) in zip(_ORDER, corners, strict=True):
        if not (0 <= x <= width and 0 <= y <= height):  # true for NaN too
            return f"the {place} corner ({x:g}, {y:g}) is outside the image of {width}x{height} px"
    around = [*corners, *corners[:2]]
    side = min(dist(start, end) for start, end in pairwise(around))
    if side < MIN_SIDE:
        return f"a side of {side:.3g} px, at least {MIN_SIDE}"
    # four right turns: convex, clockwise (y points down) and not crossing itself
    if any(_turn(*around[start : start + 3]) <= 0 for start in range(4)):
        return f"corners not convex and clockwise, expected {', '.join(_ORDER)}"
    area = (_turn(*corners[:3]) + _turn(corners[2], corners[3], corners[0])) / 2
    return f"an area of {area:.3g} px², at least {MIN_AREA}" if area < MIN_AREA else None


def _turn(a: Point, b: Point, c: Point) -> float:
    """Returns twice the area of a triangle, positive when the path a, b, c turns clockwise on the screen."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
