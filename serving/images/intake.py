"""Reads the images of requests: base64 or an address in, upright RGB pixels out."""

import binascii
import io
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from serving.errors import InvalidRequest, PayloadTooLarge, UnprocessableInput
from serving.settings import Settings

if TYPE_CHECKING:
    from PIL import Image

    from serving.arrays import Pixels

    from .fetching import Fetcher

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
_DATA_PREFIX = re.compile(r"data:image/[\w.+-]+(;[\w=.-]+)*;base64,", re.IGNORECASE | re.ASCII)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]|[^\x00-\x7f]")
_WHITESPACE = b" \t\r\n\f\v"
_ORIENTATION = 0x0112  # EXIF tag with values 1..8; from 5 on, rows and columns are exchanged
_FLIP = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}  # orientation to the axis code of cv2.flip
_KINDS = (
    (re.compile(rb"\xff\xd8|\x89PNG|BM|RIFF....WEBP", re.DOTALL), "damaged image"),
    (re.compile(rb"GIF8"), "GIF"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb"%PDF"), "PDF"),
    (re.compile(rb"....ftyp(hei|hev|mif|msf)", re.DOTALL), "HEIC"),
    (re.compile(rb"....ftypavi", re.DOTALL), "AVIF"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL"),
    (re.compile(rb"\0\0\x01\0"), "ICO"),
    (re.compile(rb"8BPS"), "PSD"),
    (re.compile(rb"PK\x03\x04"), "ZIP"),
    (re.compile(rb"\s*<[?!a-z]", re.IGNORECASE), "SVG, HTML or XML"),
    (re.compile(rb"$"), "empty"),
)
# errors that Pillow raises for bytes of which only the beginning is that of an image
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, OverflowError, struct.error)


class ImageBytes(bytes):
    """An encoded image (JPEG, PNG, BMP or WebP). In JSON it is base64, with or without a `data:` prefix."""

    __slots__ = ()

    @classmethod
    def from_base64(cls, text: str) -> Self:
        """Decodes base64 with strict alphabet and padding; skips ASCII whitespace. Raises `ValueError`."""
        prefix = _DATA_PREFIX.match(text)
        start = prefix.end() if prefix else 0
        packed = text[start:].encode().translate(None, _WHITESPACE)
        try:
            return cls(binascii.a2b_base64(packed, strict_mode=True))
        except binascii.Error as error:
            wrong = _NOT_BASE64.search(text, start)
            fault = f"character {wrong[0]!r} at {wrong.start()}" if wrong else str(error).lower()
            raise ValueError(f"not base64 ({fault})") from error


def dec_hook(kind: type[Any], value: object) -> object:
    """Decodes `ImageBytes`, as the hook of msgspec decoders."""
    if not issubclass(kind, ImageBytes):
        raise NotImplementedError(f"no decoder for {kind.__name__}")
    if isinstance(value, ImageBytes):  # from the file of a form, which is already decoded
        return value
    if not isinstance(value, str):
        raise ValueError(f"Expected base64 `str`, got `{type(value).__name__}`")
    return kind.from_base64(value)


def schema_hook(kind: type[Any]) -> dict[str, Any]:
    """Returns the schema of `ImageBytes`, as the hook of `msgspec.json.schema`."""
    if not issubclass(kind, ImageBytes):
        raise NotImplementedError(f"no schema for {kind.__name__}")
    return {"type": "string", "contentEncoding": "base64"}


ImageUrl = Annotated[
    Annotated[str, Meta(max_length=8192)] | None,
    Meta(
        description="Address of the image: http, https or s3. The format is jpg, jpeg, png, bmp or webp; the "
        "longest side is at most 4096 px. Takes precedence over the base64 field when both are given."
    ),
]
ImageBase64 = Annotated[
    ImageBytes | None,
    Meta(
        description="The image in base64, with or without a `data:image/...;base64,` prefix. The format is "
        "jpg, jpeg, png, bmp or webp; the longest side is at most 4096 px."
    ),
]


class ImageRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by its address or in base64."""

    url: ImageUrl = None
    img: ImageBase64 = None


def _default_fetcher() -> "Fetcher":
    from .fetching import Fetcher

    return Fetcher()


@dataclass(frozen=True, kw_only=True)
class Media:
    """Reads the images of requests, and checks the limits before it decodes an image.

    max_bytes: size of the encoded image. max_side, min_side, max_pixels: size of the decoded image.
    strict: a request with both address and base64 is refused; otherwise the address takes precedence.
    """

    max_bytes: int = 20 * 2**20
    max_side: int = 4096
    min_side: int = 2
    max_pixels: int = 50_000_000
    strict: bool = False
    fetcher: "Fetcher" = field(default_factory=_default_fetcher)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Returns a reader with the limits from the settings."""
        from .fetching import Fetcher

        max_bytes = int(settings.max_image_mb * 2**20)
        return cls(
            max_bytes=max_bytes,
            max_side=settings.max_image_side,
            strict=settings.strict_input,
            fetcher=Fetcher(
                timeout_s=settings.fetch_timeout_s,
                total_s=2 * settings.fetch_timeout_s,
                max_bytes=max_bytes,
                allow_private=settings.fetch_private,
                s3_allow=settings.s3_allow,
            ),
        )

    def of(self, request: ImageRequest) -> "Pixels":
        """Returns the image of a request, (H, W, 3) uint8 RGB. Raises the same errors as `image`."""
        return self.image(url=request.url, img=request.img)

    def image(self, *, url: str | None, img: bytes | None, field: str = "img") -> "Pixels":
        """Returns the image of one pair of fields, (H, W, 3) uint8 RGB, upright.

        field: name of the base64 field; `img_1` belongs to `url_1`. Raises `InvalidRequest` when both are
        missing, `PayloadTooLarge`, and `UnprocessableInput`. Each message names the field.
        """
        address_field = field.replace("img", "url", 1)
        if self.strict and url and img:
            raise InvalidRequest(f"{address_field}, {field}: both given, only one is allowed")
        if url:
            return self.decode(self.fetcher.get(url, field=address_field), field=address_field)
        if img is None:
            raise InvalidRequest(f"{address_field}, {field}: one of the two is required")
        return self.decode(img, field=field)

    def decode(self, data: bytes, *, field: str = "img", mode: Literal["RGB", "RGBA"] = "RGB") -> "Pixels":
        """Returns the pixels of an encoded image: (H, W, 3) uint8, or (H, W, 4) for "RGBA".

        "RGB" shows transparent pixels over white. The array is upright, contiguous and writable. Of an
        animation the first frame is used. Colour profiles are ignored.
        """
        from PIL import Image, UnidentifiedImageError

        if len(data) > self.max_bytes:
            raise PayloadTooLarge(f"{field}: {len(data)} bytes, at most {self.max_bytes}")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                self._check_size(*image.size, field)
                return _upright(_pixels(image, data, mode), _orientation(image))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            fault = f"too many pixels, longest side at most {self.max_side} px"
            raise UnprocessableInput(f"{field}: {fault}") from error
        except UnidentifiedImageError as error:
            kind = next((kind for magic, kind in _KINDS if magic.match(data)), "unknown")
            raise UnprocessableInput(f"{field}: {kind}, readable are {', '.join(FORMATS)}") from error
        except _DAMAGED as error:
            raise UnprocessableInput(f"{field}: damaged or truncated image") from error

    def _check_size(self, width: int, height: int, field: str) -> None:
        size = f"{field}: {width}x{height} px"
        if max(width, height) > self.max_side:
            raise UnprocessableInput(f"{size}, longest side at most {self.max_side}")
        if min(width, height) < self.min_side:
            raise UnprocessableInput(f"{size}, shortest side at least {self.min_side}")
        if width * height > self.max_pixels:
            raise UnprocessableInput(f"{size}, at most {self.max_pixels} px in all")


def _pixels(image: "Image.Image", data: bytes, mode: str) -> "Pixels":
    """Returns the pixels of an opened image as they are stored, (H, W, len(mode)) uint8."""
    import cv2
    import numpy as np
    from PIL import Image

    if image.format in ("JPEG", "MPO") and image.mode == mode:
        # OpenCV needs half the time of Pillow and gives the same pixels. It returns None for a truncated
        # file, and then Pillow decides
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if decoded is not None:
            return decoded.astype(np.uint8, copy=False)
    if image.mode.startswith("I"):  # 16 bits per sample
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if mode == "RGB" and image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image if image.mode == mode else image.convert(mode))


def _orientation(image: "Image.Image") -> int:
    try:
        value = image.getexif().get(_ORIENTATION)
    except _DAMAGED:
        return 1  # the pixels may be sound although the metadata is broken
    return value if isinstance(value, int) else 1


def _upright(pixels: "Pixels", orientation: int) -> "Pixels":
    import cv2
    import numpy as np

    turned = cv2.transpose(pixels) if 5 <= orientation <= 8 else pixels
    turned = cv2.flip(turned, _FLIP[orientation]) if orientation in _FLIP else turned
    return turned.astype(np.uint8, copy=False)
