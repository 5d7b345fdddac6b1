"""Any bytes from a caller become upright RGB pixels or are refused with a clear error."""

import io
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from serving.arrays import Pixels
from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.images.intake import Media

MEDIA = Media()
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(mode: str, color: Any, size: tuple[int, int] = (32, 24)) -> Image.Image:
    return Image.new(mode, size, color)


def corners() -> Image.Image:
    """Returns 48x32 pixels: red top-left, green top-right, blue bottom-left, white bottom-right."""
    pixels = np.full((32, 48, 3), 255, np.uint8)
    pixels[:16, :24], pixels[:16, 24:], pixels[16:, :24] = RED, GREEN, BLUE
    return Image.fromarray(pixels)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(side: int, bits: int, color_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, color_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep(*samples: int) -> bytes:
    """Returns a 2x2 PNG with 16 bits per sample."""
    row = b"\0" + struct.pack(f">{len(samples)}H", *samples) * 2
    return png(2, 16, 2 if len(samples) == 3 else 6, row * 2)


def gradient() -> Image.Image:
    y, x = np.mgrid[:48, :64]
    return Image.fromarray(np.stack([x * 3, y * 4, (x + y) * 2], -1).astype(np.uint8))


def assert_color(pixels: Pixels, color: tuple[int, int, int], within: int = 2) -> None:
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert np.abs(pixels.reshape(-1, 3).astype(int) - color).max() <= within


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_every_declared_format_is_decoded(kind: str) -> None:
    pixels = MEDIA.decode(encode(gradient(), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    difference = np.abs(pixels.astype(int) - np.asarray(gradient()))
    assert difference.max() <= (12 if kind == "JPEG" else 0)


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 40, "optimize": True}, {"keep_rgb": True}],
    ids=str,
)
def test_jpeg_pixels_are_equal_to_those_of_pillow(options: dict[str, Any]) -> None:
    data = encode(gradient().resize((301, 203)), "JPEG", **options)
    reference = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(MEDIA.decode(data).astype(int) - reference).max() <= 1


PALETTE = plain("RGB", RED).quantize(4)
COLORS: dict[str, tuple[bytes, tuple[int, int, int]]] = {
    "grey JPEG": (encode(plain("L", 100), "JPEG"), (100, 100, 100)),
    "grey PNG": (encode(plain("L", 100)), (100, 100, 100)),
    "grey WebP": (encode(plain("L", 100), "WEBP", lossless=True), (100, 100, 100)),
    "1-bit PNG, white": (encode(plain("1", 1)), WHITE),
    "1-bit BMP, black": (encode(plain("1", 0), "BMP"), (0, 0, 0)),
    "palette PNG": (encode(PALETTE), RED),
    "palette BMP": (encode(PALETTE, "BMP"), RED),
    "palette PNG, transparent": (encode(PALETTE, transparency=PALETTE.getpixel((0, 0))), WHITE),
    "RGB PNG with a transparent colour": (encode(plain("RGB", RED), transparency=RED), WHITE),
    "grey PNG with a transparent level": (encode(plain("L", 7), transparency=7), WHITE),
    "RGBA PNG, opaque": (encode(plain("RGBA", (*BLUE, 255))), BLUE),
    "RGBA PNG, half": (encode(plain("RGBA", (*BLUE, 128))), (127, 127, 255)),
    "RGBA PNG, clear": (encode(plain("RGBA", (*BLUE, 0))), WHITE),
    "RGBA WebP, clear": (encode(plain("RGBA", (*BLUE, 0)), "WEBP", lossless=True), WHITE),
    "grey with alpha PNG": (encode(plain("LA", (0, 128))), (127, 127, 127)),
    "16-bit grey PNG": (encode(Image.fromarray(np.full((24, 32), 25700, np.uint16))), (100, 100, 100)),
    "16-bit grey PNG, white": (encode(Image.fromarray(np.full((24, 32), 65535, np.uint16))), WHITE),
    "16-bit RGB PNG": (deep(65535, 25700, 0), (255, 100, 0)),
    "16-bit RGBA PNG": (deep(0, 0, 0, 32896), (127, 127, 127)),
    "CMYK JPEG": (encode(plain("CMYK", (0, 255, 255, 0)), "JPEG"), RED),
    "CMYK JPEG, black ink": (encode(plain("CMYK", (0, 0, 0, 155)), "JPEG"), (100, 100, 100)),
}


@pytest.mark.parametrize("case", COLORS)
def test_every_kind_of_pixel_becomes_the_right_rgb(case: str) -> None:
    data, color = COLORS[case]
    assert_color(MEDIA.decode(data), color)


def test_a_ycck_jpeg_with_inverted_inks_is_decoded() -> None:
    # Photo editors write such files. Pillow, like Adobe, stores inverted inks: 255, 0, 0, 255 for red.
    # In YCCK (transform 2 in the marker) these are the YCbCr of the opposite colour, cyan: 179, 171, 1, 255.
    data = encode(plain("CMYK", (255 - 179, 255 - 171, 255 - 1, 0)), "JPEG", quality=100)
    marker = data.index(b"Adobe")
    ycck = data[: marker + 11] + b"\x02" + data[marker + 12 :]
    assert_color(MEDIA.decode(ycck), RED, within=4)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "MPO"])
def test_the_first_of_several_frames_is_used(kind: str) -> None:
    frames = [plain("RGB", BLUE), plain("RGB", GREEN)]
    assert_color(MEDIA.decode(encode(plain("RGB", RED), kind, save_all=True, append_images=frames)), RED)


def test_rgba_mode_retains_alpha() -> None:
    pixels = MEDIA.decode(encode(plain("RGBA", (1, 2, 3, 77))), mode="RGBA")
    assert pixels.shape == (24, 32, 4)
    assert (pixels == (1, 2, 3, 77)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_rgba_mode_makes_an_image_without_alpha_opaque(kind: str) -> None:
    assert (MEDIA.decode(encode(plain("RGB", WHITE), kind), mode="RGBA") == 255).all()


# orientation

STORED_AS: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright.transpose(1, 0, 2), 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_an_image_is_turned_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](np.asarray(corners()))))
    pixels = MEDIA.decode(encode(stored, kind, exif=exif))
    assert pixels.shape == (32, 48, 3)
    assert pixels.flags.c_contiguous
    for y, x, color in ((4, 4, RED), (4, 44, GREEN), (28, 4, BLUE), (28, 44, WHITE)):
        assert_color(pixels[y : y + 1, x : x + 1], color, within=6)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("exif", [b"nonsense", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x63"])
def test_broken_metadata_does_not_change_the_pixels(exif: bytes) -> None:
    assert_color(MEDIA.decode(encode(plain("RGB", BLUE), "JPEG", exif=b"Exif\0\0" + exif)), BLUE)


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert MEDIA.decode(encode(corners(), "JPEG", exif=exif)).shape == (32, 48, 3)


# refusals


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty"),
        (b"hello, world", "unknown"),
        (b"GIF89a" + bytes(20), "GIF"),
        (encode(corners(), "GIF"), "GIF"),
        (encode(corners(), "TIFF"), "TIFF"),
        (encode(corners(), "AVIF"), "AVIF"),
        (encode(corners(), "PDF"), "PDF"),
        (encode(corners(), "ICO"), "ICO"),
        (encode(corners(), "JPEG2000"), "JPEG 2000"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "HEIC"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "damaged"),
        (b"\xff\xd8", "damaged"),
    ],
)
def test_the_error_names_the_format_of_another_file(data: bytes, name: str) -> None:
    with pytest.raises(UnprocessableInput, match=f"^img: .*{name}.*readable are JPEG, PNG, BMP, WEBP"):
        MEDIA.decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_image_is_refused(kind: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    data = encode(noise, kind)
    with pytest.raises(UnprocessableInput, match=r"^img_1: damaged"):
        MEDIA.decode(data[: int(len(data) * share)], field="img_1")


def test_the_error_for_a_side_over_the_limit_names_the_size() -> None:
    with pytest.raises(UnprocessableInput, match=r"^img: 4097x2 px, longest side at most 4096$"):
        MEDIA.decode(encode(plain("L", 0, (4097, 2)), "JPEG"))
    assert MEDIA.decode(encode(plain("L", 0, (2, 4096)), "JPEG")).shape == (4096, 2, 3)


def test_a_single_pixel_is_refused() -> None:
    with pytest.raises(UnprocessableInput, match=r"^img: 1x1 px, shortest side at least 2$"):
        MEDIA.decode(encode(plain("RGB", RED, (1, 1))))


def test_the_error_for_an_area_over_the_limit_names_the_size() -> None:
    with pytest.raises(UnprocessableInput, match=r"^img: 32x24 px, at most 700 px in all$"):
        Media(max_pixels=700).decode(encode(plain("L", 0)))


def test_bytes_over_the_limit_are_too_large_before_anything_is_read() -> None:
    with pytest.raises(PayloadTooLarge, match=r"^img_2: 101 bytes, at most 100$"):
        Media(max_bytes=100).decode(bytes(101), field="img_2")


def bombs() -> dict[str, bytes]:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 16_000_000, zip=True)
    jpeg = encode(corners(), "JPEG")
    profile = chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(16_000_000)))
    return {
        "50000x50000 PNG": png(50_000, 8, 2, b""),
        "12000x12000 PNG": png(12_000, 8, 2, b""),
        "60000x60000 JPEG": _resized(jpeg, jpeg.index(b"\xff\xc0") + 5, struct.pack(">HH", 60_000, 60_000)),
        "30000x30000 BMP": _resized(encode(corners(), "BMP"), 18, struct.pack("<ii", 30_000, 30_000)),
        "zTXt": encode(plain("L", 0), pnginfo=text),
        "iCCP": png(2, 8, 0, b"\0\0\0" * 2, extra=profile),
    }


def _resized(data: bytes, place: int, size: bytes) -> bytes:
    return data[:place] + size + data[place + len(size) :]


@pytest.mark.parametrize("case", BOMBS := bombs())
def test_a_decompression_bomb_is_refused_at_once(case: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnprocessableInput):
        MEDIA.decode(BOMBS[case])
    assert time.monotonic() - started < 1


# properties

EXIF = Image.Exif()
EXIF[0x0112] = 6
SAMPLES = [data for data, _ in COLORS.values()] + [
    encode(corners(), kind, exif=EXIF) for kind in ("JPEG", "PNG", "WEBP")
]


def decodes_or_is_refused(data: bytes) -> None:
    try:
        pixels = MEDIA.decode(data)
    except UnprocessableInput:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"]))
def test_any_bytes_decode_or_are_refused(data: bytes, magic: bytes) -> None:
    decodes_or_is_refused(magic + data)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=300)
def test_any_damage_to_an_image_decodes_or_is_refused(sample: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sample)
    places = st.integers(0, min(len(sample), 400) - 1) | st.integers(0, len(sample) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)):
        damaged[place] = value
    decodes_or_is_refused(bytes(damaged[: data.draw(st.integers(0, len(sample)) | st.just(len(sample)))]))
