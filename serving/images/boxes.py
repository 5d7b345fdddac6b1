"""Bounding boxes in replies, as ratios of the image's sides."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from serving.arrays import Floats

Ratio = Annotated[float, Meta(ge=0, le=1)]


class BoundingBox(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of a box inside the image, as ratios of the upright image's width and height."""

    width: Annotated[Ratio, Meta(description="The box's width, divided by the image's width.")]
    height: Annotated[Ratio, Meta(description="The box's height, divided by the image's height.")]
    left: Annotated[Ratio, Meta(description="The box's left edge, divided by the image's width.")]
    top: Annotated[Ratio, Meta(description="The box's top edge, divided by the image's height.")]


def bounding_box(box: "Floats", shape: tuple[int, ...]) -> BoundingBox:
    """Returns the bounding box, to six decimals.

    box: (4,) left, top, right, bottom in pixels. shape: shape of the image, height and width first.
    """
    height, width = shape[:2]
    sides = (box / (width, height, width, height)).clip(0, 1).tolist()
    left, top, right, bottom = (round(side, 6) for side in sides)
    return BoundingBox(width=round(right - left, 6), height=round(bottom - top, 6), left=left, top=top)
