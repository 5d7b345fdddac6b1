"""Encodes the images of replies, within the size that the transports can carry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from serving.errors import PayloadTooLarge

if TYPE_CHECKING:
    from serving.arrays import Pixels

Format = Literal["png", "jpeg", "webp"]

MAX_RESULT = 6_280_000
"""Largest size in characters of base64. SageMaker and Lambda carry 6 MiB in all."""


def encode_image(pixels: "Pixels", kind: Format, *, instead: Sequence[str] = ()) -> bytes:
    """Returns the encoded file. A JPEG shows transparent pixels over white.

    pixels: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA. instead: what the error message suggests when the file is
    too large. Raises `PayloadTooLarge`.
    """
    import cv2
    import numpy as np

    options = {
        "png": (cv2.IMWRITE_PNG_COMPRESSION, 4),
        "jpeg": (cv2.IMWRITE_JPEG_QUALITY, 92),
        "webp": (cv2.IMWRITE_WEBP_QUALITY, 90),
    }
    if kind == "jpeg" and pixels.shape[2:] == (4,):
        opacity = pixels[..., 3:] / np.float32(255)
        pixels = (pixels[..., :3] * opacity + 255 * (1 - opacity)).round().astype(np.uint8)
    codes = {(3,): cv2.COLOR_RGB2BGR, (4,): cv2.COLOR_RGBA2BGRA}
    ordered = cv2.cvtColor(pixels, codes[pixels.shape[2:]]) if pixels.ndim == 3 else pixels
    _, data = cv2.imencode(f".{kind}", ordered, options[kind])
    if (size := -(-len(data) // 3) * 4) > MAX_RESULT:
        choices = ", or ".join(instead)
        raise PayloadTooLarge(f"result: {size} bytes of base64, at most {MAX_RESULT}; send {choices}")
    return data.tobytes()
