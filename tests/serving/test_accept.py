"""Replies have the media type that `Accept` requests: JSON, or the image of a reply alone."""

from contextlib import suppress
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from serving.codec import Codec
from serving.errors import NotAcceptable
from serving.feature import Feature, Profile


class Request(msgspec.Struct, frozen=True):
    scale: int = 2
    format: Annotated[Literal["png", "jpeg"], Meta(description="Format of the image.")] = "png"


class Picture(msgspec.Struct, frozen=True):
    result: bytes


FEATURE = Feature(
    module=__name__,
    feature_id="Painter",
    title="",
    title_zh="",
    summary="",
    request=Request,
    response=Picture,
    profiles={"lite": Profile(files=(), summary="", verified=True)},
)
CODEC = Codec(FEATURE)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json, image/png", "application/json"),
        ("image/jpeg", "image/jpeg"),
        ("IMAGE/PNG", "image/png"),
        ("image/*", "image/png"),
        ("image/avif,image/jpeg,*/*;q=0.8", "image/jpeg"),
        ("image/png;q=0.4, application/*; q=0.5", "application/json"),
        ("image/*, image/png;q=0", "image/jpeg"),
    ],
)
def test_the_reply_has_the_media_type_that_the_header_prefers(accept: str, kind: str) -> None:
    assert CODEC.accepted(accept) == kind


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "application/json;q=0", "*/*;q=0.0"])
def test_the_error_for_another_media_type_lists_the_possible_ones(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=r"returns application/json, image/png, image/jpeg$"):
        CODEC.accepted(accept)


@given(st.text())
def test_any_header_gives_a_possible_media_type_or_is_refused(accept: str) -> None:
    with suppress(NotAcceptable):
        assert CODEC.accepted(accept) in ("application/json", "image/png", "image/jpeg")


def test_the_header_sets_the_format_and_the_image_is_the_whole_body() -> None:
    body = b'{"scale": 4, "format": "png"}'
    assert CODEC.decode(body, "") == Request(4, "png")
    assert CODEC.decode(body, "", "image/jpeg") == Request(4, "jpeg")
    assert CODEC.encode(Picture(b"\xff\xd8"), "image/jpeg") == (b"\xff\xd8", "image/jpeg")
    assert CODEC.encode(Picture(b"\xff\xd8")) == (b'{"result":"/9g="}', "application/json")
