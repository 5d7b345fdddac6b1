"""A request has its image in base64 or by address; one of the two is required."""

import base64
import io
import string
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from serving.errors import InvalidRequest, PayloadTooLarge, UnprocessableInput
from serving.images.intake import ImageBytes, ImageRequest, Media, dec_hook, schema_hook
from serving.settings import Settings

MEDIA = Media()
DECODER = msgspec.json.Decoder(ImageRequest, dec_hook=dec_hook)


def picture() -> bytes:
    """Returns a PNG of 48x32 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (48, 32), "red").save(file, "PNG")
    return file.getvalue()


def body(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_an_image_arrives_as_base64_with_or_without_a_data_prefix_and_line_breaks() -> None:
    data = picture()
    wrapped = "\r\n".join(body(data)[i : i + 76] for i in range(0, len(body(data)), 76))
    for text in (body(data), f"data:image/png;base64,{body(data)}", wrapped, f" {wrapped}\t\n"):
        request = DECODER.decode(msgspec.json.encode({"img": text}))
        assert request.img == data
        assert MEDIA.of(request).shape == (32, 48, 3)


@given(st.binary(max_size=200), st.booleans())
def test_any_base64_text_round_trips(data: bytes, prefixed: bool) -> None:
    text = ("data:image/x-ms-bmp;charset=utf-8;base64," if prefixed else "") + body(data)
    assert DECODER.decode(msgspec.json.encode({"img": text})).img == data


ALPHABET = string.ascii_letters + string.digits + "+/="
FOREIGN = st.characters(codec="utf-8", exclude_characters=ALPHABET + " \t\r\n\f\v")


@given(st.text(ALPHABET, max_size=40), FOREIGN, st.text(max_size=20))
def test_any_text_with_a_character_outside_base64_is_refused(before: str, foreign: str, after: str) -> None:
    text = before + foreign + after.encode(errors="ignore").decode()
    with pytest.raises(msgspec.ValidationError, match=r"not base64 \(.*\$\.img"):
        DECODER.decode(msgspec.json.encode({"img": text}))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("aGVs!G8=", r"character '!' at 4"),
        ("aGVs_G8=", r"character '_' at 4"),
        ("data:image/png;base64,aG*=", r"character '\*' at 24"),
        ("data:text/plain;base64,aGVsbG8=", r"character ':' at 4"),
        ("aGVsbG8", "incorrect padding"),
        ("aGVsbG8==", "excess data after padding"),
        ("=aGV", "leading padding"),
    ],
)
def test_the_error_names_the_fault_of_the_base64(text: str, fault: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"not base64 \({fault}.*\) - at `\$\.img`"):
        DECODER.decode(msgspec.json.encode({"img": text}))


def test_a_number_is_refused_as_an_image() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Expected base64 `str`, got `int` - at `\$\.img`"):
        DECODER.decode(b'{"img": 5}')


def test_the_schema_contains_base64_and_the_limits() -> None:
    schema = msgspec.json.schema(ImageRequest, schema_hook=schema_hook)
    fields = schema["$defs"]["ImageRequest"]["properties"]
    assert {"type": "string", "contentEncoding": "base64"} in fields["img"]["anyOf"]
    assert "4096 px" in fields["img"]["description"]
    assert "Takes precedence" in fields["url"]["description"]


def test_the_hooks_refuse_other_types() -> None:
    with pytest.raises(NotImplementedError):
        dec_hook(complex, "1")
    with pytest.raises(NotImplementedError):
        schema_hook(complex)


def test_one_of_address_and_image_is_required() -> None:
    with pytest.raises(InvalidRequest, match=r"^url, img: one of the two is required$"):
        MEDIA.of(ImageRequest())
    with pytest.raises(InvalidRequest, match=r"^url_2, img_2: one of the two is required$"):
        MEDIA.image(url=None, img=None, field="img_2")


def test_an_empty_address_counts_as_missing() -> None:
    data = ImageBytes(picture())
    assert MEDIA.of(ImageRequest(url="", img=data)).shape == (32, 48, 3)


def test_the_address_takes_precedence_over_the_image() -> None:
    with pytest.raises(UnprocessableInput, match=r"^url_1: the scheme"):
        MEDIA.image(url="ftp://example.org/a.png", img=picture(), field="img_1")


def test_strict_input_refuses_both() -> None:
    media = Media.from_settings(Settings(strict_input=True))
    with pytest.raises(InvalidRequest, match=r"^url, img: both given, only one is allowed$"):
        media.of(ImageRequest(url="http://example.org/a.png", img=ImageBytes(picture())))


def test_limits_come_from_the_settings() -> None:
    media = Media.from_settings(Settings(max_image_mb=0.5, max_image_side=31, s3_allow=("s3://bucket",)))
    with pytest.raises(UnprocessableInput, match="longest side at most 31"):
        media.decode(picture())
    with pytest.raises(PayloadTooLarge, match="at most 524288"):
        media.decode(bytes(524289))
    assert media.fetcher.s3_allow == ("s3://bucket",)
    assert media.fetcher.max_bytes == 524288


def test_declaring_a_request_imports_no_image_library() -> None:
    unwanted = "{'numpy', 'PIL', 'cv2', 'httpcore', 'boto3'}"
    code = f"import sys, serving.images.intake; sys.exit(str({unwanted} & {{*sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.strip() == "set()"
