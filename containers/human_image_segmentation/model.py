"""The model of human image segmentation.

Detectors and network see a small copy of the image. Edges and colours are refined at full size.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import cv2
import numpy as np

from containers.human_image_segmentation.feature import CutOut, SegmentationRequest
from containers.human_image_segmentation.foreground import cut_out
from containers.human_image_segmentation.refinement import matte
from containers.human_image_segmentation.segmenter import Patch, Segmenter
from serving.arrays import Pixels
from serving.errors import UnprocessableInput
from serving.images.encoding import encode_image
from serving.model import Model as Base
from serving.weights import Weights

SIDE = 1024  # longest side of the copy that the networks see, in pixels


class Item(NamedTuple):
    """A request and its image, (H, W, 3) RGB. small: a copy with a longest side of at most `SIDE`."""

    request: SegmentationRequest
    image: Pixels
    small: Pixels


class Model(Base[SegmentationRequest, Item, list[Patch], CutOut]):
    """Finds the people in images and the opacity of each pixel."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Segmenter.load(weights, device))

    def preprocess(self, request: SegmentationRequest) -> Item:
        if request.format == "webp" and request.type != "foreground":
            raise UnprocessableInput("format: webp is for type foreground only, use png for a matte")
        image = self.media.of(request)
        return Item(request, image, shrunk(image))

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Patch]]:
        return self._segmenter.segment([item.small for item in batch])

    def postprocess(self, output: list[Patch], item: Item) -> CutOut:
        opacity = joined(
            item.image, output, item.image.shape[1] / item.small.shape[1], self._segmenter.kind.radius
        )
        if item.request.type != "foreground":
            return CutOut(encode_image(opacity, "png", instead=["a smaller image"]))
        image_format = item.request.format
        smaller = ["format webp"] if image_format == "png" else []
        instead = ["a smaller image", *smaller, "an empty type for only the matte"]
        return CutOut(encode_image(cut_out(item.image, opacity), image_format, instead=instead))


def shrunk(image: Pixels) -> Pixels:
    """Returns the image, scaled down when its longest side is greater than `SIDE`."""
    shrink = SIDE / max(image.shape)
    if shrink >= 1:
        return image
    size = [max(2, round(side * shrink)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def joined(image: Pixels, patches: Sequence[Patch], scale: float, radius: float) -> Pixels:
    """Returns (H, W) opacity from patches, each refined at full size.

    Where patches overlap, the larger value wins.
    scale: ratio of the image's size to the size of the copy that the regions refer to.
    """
    height, width = image.shape[:2]
    opacity = np.zeros((height, width), np.uint8)
    for region, probability in patches:
        left, top, right, bottom = (round(side * scale) for side in region[:4])
        rows, columns = slice(top, min(bottom, height)), slice(left, min(right, width))
        refined = matte(image[rows, columns], probability, radius)
        np.maximum(opacity[rows, columns], refined, out=opacity[rows, columns])
    return opacity
