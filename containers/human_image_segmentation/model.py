"""People cut out of photographs: detectors and network on a small copy, edges and colours at full size."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from containers.human_image_segmentation.feature import MAX_RESULT, CutOut, SegmentationRequest
from containers.human_image_segmentation.foreground import cut_out
from containers.human_image_segmentation.refinement import matte
from containers.human_image_segmentation.segmenter import Patch, Segmenter
from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.model import Model as Base
from serving.weights import Weights

Pixels = NDArray[np.uint8]

SIDE = 1024  # longest side of what the networks see
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 4)
_WEBP = (cv2.IMWRITE_WEBP_QUALITY, 90)


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
        foreground = item.request.type == "foreground"
        return CutOut(encoded(cut_out(item.image, opacity) if foreground else opacity, item.request.format))


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


def encoded(pixels: Pixels, kind: str) -> bytes:
    """A PNG or WebP of (H, W) or (H, W, 4) RGBA. Raises `PayloadTooLarge`."""
    ordered = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)
    _, data = cv2.imencode(f".{kind}", ordered, _WEBP if kind == "webp" else _PNG)
    if (size := -(-len(data) // 3) * 4) > MAX_RESULT:
        others = ["a smaller image"]
        if pixels.ndim == 3:
            others += ["format webp"] * (kind != "webp") + ["type empty, for the matte alone"]
        raise PayloadTooLarge(
            f"result: {size} bytes of base64, at most {MAX_RESULT}; send {', or '.join(others)}"
        )
    return data.tobytes()
