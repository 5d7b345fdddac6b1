"""Changes that happen to pictures when people forward them: cuts, turns, colours, compression, text."""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from serving.arrays import Pixels

Change = Callable[[Pixels], Pixels]


def cropped(image: Pixels, share: float, x: float = 0.3, y: float = 0.6) -> Pixels:
    """Cuts out a part. share: of the picture's sides. x, y: 0..1, the part's position between the edges."""
    height, width = (int(length * share) for length in image.shape[:2])
    top, left = int((image.shape[0] - height) * y), int((image.shape[1] - width) * x)
    return image[top : top + height, left : left + width]


def turned(image: Pixels, degrees: float) -> Pixels:
    """Turns the picture about its middle, with white corners; parts outside of the frame are lost."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return _bytes(cv2.warpAffine(image, turn, (width, height), borderValue=(255, 255, 255)))


def coloured(image: Pixels, hue: int = 0, saturation: float = 1, value: float = 1) -> Pixels:
    """Changes the colours. hue: is added, modulo 180. saturation, value: factors."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.float32) * (1, saturation, value)
    hsv[..., 0] = (hsv[..., 0] + hue) % 180
    return _bytes(cv2.cvtColor(_bytes(hsv), cv2.COLOR_HSV2RGB))


def grey(image: Pixels) -> Pixels:
    return _bytes(np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] * 3))


def brighter(image: Pixels, factor: float, added: float) -> Pixels:
    return _bytes(image * factor + added)


def warmer(image: Pixels) -> Pixels:
    return _bytes(image * np.array([1.15, 1, 0.75]))


def compressed(image: Pixels, quality: int) -> Pixels:
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return _bytes(cv2.imdecode(packed, cv2.IMREAD_COLOR))


def blurred(image: Pixels) -> Pixels:
    return _bytes(cv2.GaussianBlur(image, (0, 0), max(image.shape) / 170))


def noisy(image: Pixels, deviation: float = 20) -> Pixels:
    return _bytes(image + np.random.default_rng(0).normal(0, deviation, image.shape))


def scaled(image: Pixels, x: float, y: float) -> Pixels:
    return _bytes(cv2.resize(image, None, fx=x, fy=y, interpolation=cv2.INTER_AREA))


def captioned(image: Pixels) -> Pixels:
    """Writes one white line at the lower edge; its height is a twelfth of the width."""
    height, width = image.shape[:2]
    return _written(image, "Sample text 2026", (width // 20, height * 11 // 12), width / 380)


def stamped(image: Pixels) -> Pixels:
    """Writes three lines across the whole picture."""
    height, width = image.shape[:2]
    for line in (2, 5, 8):
        image = _written(image, "SAMPLE text 2026", (width // 20, height * line // 10), width / 380)
    return image


def badged(image: Pixels) -> Pixels:
    """Draws a disc of two fifths of the shorter side into a corner, with a word in it."""
    height, width = image.shape[:2]
    middle, radius = (width * 3 // 4, height * 3 // 4), min(height, width) // 5
    disc = _bytes(cv2.circle(image.copy(), middle, radius, (30, 60, 200), -1))
    return _written(disc, "LOGO", (middle[0] - radius * 2 // 3, middle[1]), width / 500)


def framed(image: Pixels) -> Pixels:
    """Adds black bars above and below, each a sixth of the height."""
    bar = image.shape[0] // 6
    return _bytes(cv2.copyMakeBorder(image, bar, bar, 0, 0, cv2.BORDER_CONSTANT))


def reposted(image: Pixels) -> Pixels:
    """Mirrors, crops, colours and compresses the picture."""
    return compressed(coloured(_bytes(cropped(image[:, ::-1], 0.85)), 8, 1.2, 0.85), 40)


CHANGES: dict[str, Change] = {
    "nothing": np.copy,
    **{f"crop to {share:.0%} of each side": partial(cropped, share=share) for share in (0.9, 0.8, 0.7, 0.5)},
    "turned by 90 degrees": np.rot90,
    "turned by 180 degrees": partial(np.rot90, k=2),
    **{f"turned by {degrees} degrees": partial(turned, degrees=degrees) for degrees in (5, 15, 45)},
    "mirrored": np.fliplr,
    "upside down": np.flipud,
    "grey": grey,
    "darker": partial(brighter, factor=0.55, added=0),
    "brighter, highlights lost": partial(brighter, factor=1.5, added=20),
    "other hue": partial(coloured, hue=25),
    "more saturated": partial(coloured, saturation=1.8),
    "warmer": warmer,
    "JPEG quality 30": partial(compressed, quality=30),
    "JPEG quality 10": partial(compressed, quality=10),
    "blurred": blurred,
    "noise": noisy,
    "a quarter of the size": partial(scaled, x=0.25, y=0.25),
    "squeezed to 70 % of the height": partial(scaled, x=1, y=0.7),
    "line of text": captioned,
    "text across the picture": stamped,
    "logo": badged,
    "black bars": framed,
    "mirrored, cropped, coloured, JPEG": reposted,
}


def _written(image: Pixels, text: str, place: tuple[int, int], size: float) -> Pixels:
    thickness = max(1, round(2.5 * size))
    written = cv2.putText(
        image.copy(), text, place, cv2.FONT_HERSHEY_DUPLEX, size, (255, 255, 255), thickness
    )
    return _bytes(written)


def _bytes(values: Any) -> Pixels:
    return np.ascontiguousarray(np.clip(values, 0, 255), np.uint8)
