"""People cut out of photographs: detectors and network on a small copy, edges and colours at full size."""

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

SIDE = 1024  # longest side of what the networks see


class Item(NamedTuple):
    """image: (H, W, 3) RGB. small: the same, longest side at most 1024."""

    request: SegmentationRequest
    image: Pixels
    small: Pixels


class Model(Base[SegmentationRequest, Item, list[Patch], CutOut]):
    """Finds the people of images and how much of each pixel they cover."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Segmenter.load(weights, device))

    def preprocess(self, request: SegmentationRequest) -> Item:
        if request.format == "webp" and request.type != "foreground":
            raise UnprocessableInput("format: webp is for type foreground only; a matte is a png")
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
        kind = item.request.format
        instead = ["a smaller image", *["format webp"] * (kind == "png"), "type empty, for the matte alone"]
        return CutOut(encode_image(cut_out(item.image, opacity), kind, instead=instead))


def shrunk(image: Pixels) -> Pixels:
    """The image, its longest side at most `SIDE`."""
    shrink = SIDE / max(image.shape)
    if shrink >= 1:
        return image
    size = [max(2, round(side * shrink)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def joined(image: Pixels, patches: Sequence[Patch], scale: float, radius: float) -> Pixels:
    """(H, W) opacity: each patch refined at full size, the larger value where they overlap.

    scale: pixels of the image to one of those the regions are in.
    """
    height, width = image.shape[:2]
    opacity = np.zeros((height, width), np.uint8)
    for region, probability in patches:
        left, top, right, bottom = (round(side * scale) for side in region[:4])
        rows, columns = slice(top, min(bottom, height)), slice(left, min(right, width))
        seen = matte(image[rows, columns], probability, radius)
        np.maximum(opacity[rows, columns], seen, out=opacity[rows, columns])
    return opacity
