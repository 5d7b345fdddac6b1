"""Images of replies: every format contains the right pixels, and too large images are refused."""

import cv2
import numpy as np
import pytest

from serving.arrays import Floats
from serving.errors import PayloadTooLarge
from serving.images.encoding import Format, encode_image
from serving.images.intake import Media

NOISE = np.random.default_rng(0).integers(0, 256, (1200, 1200, 4), np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_contains_the_same_pixels(channels: int) -> None:
    pixels = NOISE[:20, :30, :channels].squeeze()
    decoded = cv2.imdecode(np.frombuffer(encode_image(pixels, "png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert np.array_equal(decoded[..., [2, 1, 0, 3][:channels]] if channels > 1 else decoded, pixels)


def colours(data: bytes) -> Floats:
    """Returns the mean of red, green and blue."""
    return np.asarray(Media().decode(data).mean(axis=(0, 1)), np.float32)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_the_other_formats_keep_the_order_of_colours(kind: Format) -> None:
    orange = np.full((16, 16, 3), (250, 120, 10), np.uint8)
    assert np.abs(colours(encode_image(orange, kind)) - (250, 120, 10)).max() < 4


def test_a_jpeg_shows_transparent_pixels_over_white() -> None:
    half = np.full((16, 16, 4), (0, 0, 0, 128), np.uint8)
    assert np.abs(colours(encode_image(half, "jpeg")) - 127).max() < 2


def test_the_error_for_a_too_large_picture_suggests_smaller_ones() -> None:
    message = r"^result: \d{7} bytes of base64, at most \d+; send a smaller image, or format webp$"
    with pytest.raises(PayloadTooLarge, match=message):
        encode_image(NOISE, "png", instead=["a smaller image", "format webp"])
    assert encode_image(NOISE, "webp").startswith(b"RIFF")
