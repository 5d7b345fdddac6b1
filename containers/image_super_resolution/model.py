"""The model of image super-resolution.

It checks the limits, enlarges the colours with the network, then enlarges the opacity and encodes the file.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

import cv2
import numpy as np

from containers.image_super_resolution import transparency
from containers.image_super_resolution.enlarger import Enlarger
from containers.image_super_resolution.feature import Enlarged, EnlargementRequest
from serving.arrays import Pixels
from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.images.encoding import MAX_RESULT, encode_image
from serving.images.intake import Media
from serving.model import Model as Base
from serving.settings import Settings
from serving.weights import Weights

LONG, SHORT = 1920, 1080


class Item(NamedTuple):
    """A decoded request.

    colours: (H, W, 3) RGB, also under transparent pixels. opacity: (H, W), or None for an opaque image.
    grey: True when the image has no colour.
    """

    request: EnlargementRequest
    colours: Pixels
    opacity: Pixels | None
    grey: bool


class Model(Base[EnlargementRequest, Item, Pixels, Enlarged]):
    """Enlarges images of at most 1920x1080 or 1080x1920 px."""

    def __init__(self, enlarger: Enlarger, profile: str) -> None:
        self._enlarger, self._profile = enlarger, profile
        self.media = _LimitedMedia()

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Enlarger.load(weights, device), weights.profile)

    def configure(self, settings: Settings) -> None:
        self.media = _LimitedMedia.from_settings(settings)

    def preprocess(self, request: EnlargementRequest) -> Item:
        if request.face:
            raise UnprocessableInput(
                f"face: restoring faces is not available with profile {self._profile}, must be false"
            )
        pixels = self.media.of(request)
        colours, opacity = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3]
        grey = bool((colours == colours[..., :1]).all())
        item = Item(request, colours, None, grey)
        if opacity.min() < 255:
            item = Item(request, transparency.opaque(colours, opacity), opacity, grey)
        _check_reply(item)
        return item

    def predict(self, batch: Sequence[Item]) -> Sequence[Pixels]:
        return self._enlarger.enlarge(
            [item.colours for item in batch], [item.request.scale for item in batch]
        )

    def postprocess(self, output: Pixels, item: Item) -> Enlarged:
        request = item.request
        opacity = None if item.opacity is None else transparency.enlarged(item.opacity, request.scale)
        return Enlarged(
            encode_image(_joined(output, opacity, item.grey), request.format, instead=_instead(request))
        )


class _LimitedMedia(Media):
    """Decodes images to RGBA and refuses those that are too large to enlarge."""

    def decode(self, data: bytes, *, field: str = "img", mode: Literal["RGB", "RGBA"] = "RGBA") -> Pixels:
        pixels = super().decode(data, field=field, mode=mode)
        height, width = pixels.shape[:2]
        if max(height, width) > LONG or min(height, width) > SHORT:
            raise UnprocessableInput(
                f"{field}: {width}x{height} px, at most {LONG}x{SHORT} or {SHORT}x{LONG}"
            )
        return pixels


def _joined(colours: Pixels, opacity: Pixels | None, grey: bool) -> Pixels:
    """Returns (H, W, 3) RGB, (H, W, 4) for an image with opacity, or (H, W) for an opaque grey image."""
    if grey:
        colours = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    if opacity is None:
        return colours
    return np.dstack((*[colours] * (3 if grey else 1), opacity))


def _check_reply(item: Item) -> None:
    """Raises `PayloadTooLarge` at once for a reply that is certain to exceed the limit.

    The check encodes the original in the requested format and assumes that the file grows by half the scale.
    Real files grow more: at least 2.4 times at scale 2 and 5.2 times at scale 4, in all formats.
    """
    request, choices = item.request, _instead(item.request)
    original = _joined(item.colours, item.opacity, item.grey)
    file = encode_image(original, request.format, instead=choices)
    size = len(file) * request.scale // 2 * 4 // 3
    if size > MAX_RESULT:
        raise PayloadTooLarge(
            f"result: over {size} bytes of base64, at most {MAX_RESULT}; send {', or '.join(choices)}"
        )


def _instead(request: EnlargementRequest) -> list[str]:
    """Lists what a caller can send instead to get a smaller reply."""
    smaller: dict[str, list[str]] = {"png": ["format jpeg", "format webp"], "jpeg": ["format webp"]}
    return ["a smaller image", *["scale 2"] * (request.scale == 4), *smaller.get(request.format, [])]
