"""Quadrangles around text in replies, in pixels."""

import math
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from serving.arrays import Floats

Point = Annotated[tuple[float, float], Meta(description="x and y in pixels from the top-left corner.")]
Corners = tuple[Point, Point, Point, Point]


class Location(msgspec.Struct, frozen=True):
    """The axis-aligned box around a line, in pixels of the upright image."""

    top: Annotated[int, Meta(ge=0, description="Pixels from the top edge of the image to the box.")]
    left: Annotated[int, Meta(ge=0, description="Pixels from the left edge of the image to the box.")]
    width: Annotated[int, Meta(ge=0, description="Pixels.")]
    height: Annotated[int, Meta(ge=0, description="Pixels.")]


def location(polygon: "Floats") -> Location:
    """Returns the axis-aligned box, in whole pixels, around a polygon, (N, 2) x and y in pixels."""
    left, top = (math.floor(value) for value in polygon.min(axis=0))
    right, bottom = (math.ceil(value) for value in polygon.max(axis=0))
    return Location(top=top, left=left, width=right - left, height=bottom - top)


def corners(polygon: "Floats") -> Corners:
    """Returns the corners of a quadrangle, (4, 2) x and y in pixels, rounded to a tenth of a pixel."""
    first, second, third, fourth = ((round(float(x), 1), round(float(y), 1)) for x, y in polygon)
    return first, second, third, fourth
