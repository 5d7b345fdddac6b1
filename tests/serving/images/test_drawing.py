"""Drawings of replies: every finding is marked in the picture and listed in the panel."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from serving.arrays import Pixels
from serving.images.drawing import FONT, PAPER, draw, draw_lines
from tests.support.paths import ROOT

EXAMPLES = sorted(ROOT.glob("containers/general_ocr*/example.txt"))


def grey(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), 120, np.uint8)


Box = tuple[float, float, float, float]


def line(box: Box, words: str = "青禾面馆", score: float = 0.99) -> dict[str, Any]:
    """Returns an element of a reply. box: left, top, width, height in pixels."""
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {"words": words, "score": score, "polygon": corners}


def pixels(page: Image.Image) -> Pixels:
    return np.asarray(page, np.uint8)


def test_a_line_is_tinted_and_the_rest_of_the_picture_is_unchanged() -> None:
    page = pixels(draw_lines(grey(1200, 1000), [line((300, 500, 400, 60))]))
    assert (page[505:555, 305:695] != 120).any(axis=2).all()
    assert (page[:480, :1000] == 120).all()
    assert (page[580:1200, :1000] == 120).all()


def test_small_pictures_are_enlarged_with_their_polygons() -> None:
    page = pixels(draw_lines(grey(250, 500), [line((100, 50, 300, 100))]))
    assert (page[:500, :1000] != 120).any(axis=2)[104:296, 204:796].all()
    assert (page[330:500, :1000] == 120).all()


def test_the_panel_next_to_the_picture_shows_the_words_and_the_score() -> None:
    first, words, score = (
        pixels(draw_lines(grey(1200, 1000), [line((300, 500, 400, 60), **changed)]))[:, 1000:]
        for changed in ({}, {"words": "巷口饭馆"}, {"score": 0.91})
    )
    assert first.std() > 5
    assert words.shape == first.shape
    assert (words != first).any()
    assert (score != first).any()


def test_a_line_with_a_low_score_has_another_colour_than_one_with_a_high_score() -> None:
    high, low = (
        pixels(draw_lines(grey(1000, 1000), [line((300, 500, 400, 60), score=score)]))[530, 500].tolist()
        for score in (0.95, 0.4)
    )
    assert high[2] > high[0]  # blue
    assert low[0] > low[2]  # red


def test_without_lines_the_picture_is_unchanged_and_a_note_is_next_to_it() -> None:
    page = pixels(draw_lines(grey(1100, 1000), []))
    assert (page[:, :1000] == 120).all()
    assert (page[:, 1000:] != PAPER).any()


def test_the_duration_at_the_end_of_a_reply_is_not_drawn_as_a_line() -> None:
    one = line((10, 10, 200, 40))
    assert draw_lines(grey(1000, 1000), [one, {"duration": 0.1}]) == draw_lines(grey(1000, 1000), [one])


def test_a_long_text_continues_in_the_next_row() -> None:
    short = draw_lines(grey(1000, 1000), [line((10, 10, 900, 40), "面" * 32)])
    long = draw_lines(grey(1000, 1000), [line((10, 10, 900, 40), "面" * 64)])
    assert long.width == short.width
    assert (pixels(long)[:, 1000:] != PAPER).sum() > 1.5 * (pixels(short)[:, 1000:] != PAPER).sum()


BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.5, "Height": 0.4}
"""A box as ratios. In 1000x500 pixels it goes from (100, 100) to (600, 300)."""


def test_an_object_is_marked_by_its_box_and_listed_by_its_name() -> None:
    cat = {"Name": "cat", "Confidence": 95.0, "Instances": [{"BoundingBox": BOX, "Confidence": 95.0}]}
    page = draw(grey(500, 1000), {"Labels": [cat], "LabelModelVersion": "1"})
    corners = (100, 100), (600, 100), (600, 300), (100, 300)
    assert page == draw_lines(grey(500, 1000), [{"words": "cat", "score": 0.95, "polygon": corners}])


def test_a_face_is_marked_by_its_box_and_by_a_dot_for_each_landmark() -> None:
    face: dict[str, Any] = {"BoundingBox": BOX, "Confidence": 0.95}
    dotted = face | {"landmark_106": [{"x": 300, "y": 200}, {"x": 800, "y": 400}]}
    plain, page = (pixels(draw(grey(500, 1000), {"Faces": [one]})) for one in (face, dotted))
    assert (plain[120:280, 120:580] != 120).any(axis=2).all()
    changed = np.argwhere((plain != page).any(axis=2))
    assert {tuple(place) for place in changed // 10} >= {(20, 30), (40, 80)}
    assert len(changed) < 100


def test_a_reply_with_an_image_is_drawn_as_that_image() -> None:
    encoded = io.BytesIO()
    Image.fromarray(np.eye(7, dtype=np.uint8)).save(encoded, "PNG")
    page = draw(grey(7, 7), {"result": base64.b64encode(encoded.getvalue()).decode()})
    assert (pixels(page) == np.eye(7)).all()


@pytest.mark.parametrize(
    "reply", [{"Labels": [], "LabelModelVersion": "1"}, {"Faces": []}, [], {"porn": 0.1}]
)
def test_a_reply_without_findings_leaves_the_picture_unchanged(reply: Any) -> None:
    assert draw(grey(1100, 1000), reply) == draw_lines(grey(1100, 1000), [])


@pytest.mark.parametrize(
    ("height", "width", "lines"),
    [
        (1500, 2000, [line((20 + i % 10 * 198, 5 + i // 10 * 15, 150, 12)) for i in range(1000)]),
        (3072, 4096, [line((100, 100, 900, 4)), line((100, 200, 0.5, 0.5)), line((100, 300, 0, 0), "")]),
        (10, 4096, [line((i * 40, 2, 35, 6)) for i in range(100)]),
        (4096, 10, [line((1, i * 40, 8, 30)) for i in range(100)]),
        (1, 1, [line((0, 0, 1, 1))]),
    ],
    ids=["thousand lines", "four pixels high", "wide", "tall", "one pixel"],
)
def test_extreme_shapes_give_a_page_of_limited_size(
    height: int, width: int, lines: list[dict[str, Any]]
) -> None:
    page = draw_lines(grey(height, width), lines)
    assert page.width >= width
    assert page.height >= height
    assert max(page.size) <= 4 * max(height, width, 1000)


coordinates = st.floats(-200, 1500, width=32)
corners = st.tuples(*[st.tuples(coordinates, coordinates)] * 4)
replies = st.lists(
    st.fixed_dictionaries({"words": st.text(max_size=100), "score": st.floats(0, 1), "polygon": corners}),
    max_size=8,
)


@settings(max_examples=30)
@given(st.integers(1, 1200), st.integers(1, 1200), replies)
def test_any_reply_is_drawn_completely_on_the_page(
    height: int, width: int, lines: list[dict[str, Any]]
) -> None:
    page = pixels(draw_lines(grey(height, width), lines))
    assert page.shape[2] == 3
    panel = page[:, width * -(-1000 // max(height, width)) :] if width <= 2 * height else page[-4:]
    assert (panel[:, -1] == PAPER).all()
    assert (panel[-1] == PAPER).all()


def test_characters_that_the_font_lacks_are_replaced() -> None:
    celsius, spelt = (
        draw_lines(grey(1000, 1000), [line((10, 10, 90, 40), words)]) for words in ("36℃", "36°C")
    )
    assert celsius == spelt


def characters(encoding: str, leads: range) -> set[str]:
    """Returns all two-byte characters of an encoding with these lead bytes."""
    pairs = (bytes((lead, trail)) for lead in leads for trail in range(0x40, 0xFF))
    return {
        character
        for pair in pairs
        if len(character := pair.decode(encoding, "ignore")) == 1 and character > "\x7f"
    }


@pytest.mark.parametrize(
    "wanted",
    [
        characters("gb2312", range(0xB0, 0xF8)),
        characters("big5", range(0xA4, 0xC7)) | characters("big5", range(0xC9, 0xFA)),
        {chr(code) for code in (*range(0x21, 0x7F), *range(0x3041, 0x3095), *range(0x30A1, 0x30F7))},
        set("￥¥€£·—…「」『』《》【】，。：；！？、“”（）°×÷±≤≥①②③←→↑↓■●★☆éü"),
        set("".join(path.read_text("utf-8") for path in EXAMPLES)) - set(" \n"),
    ],
    ids=["simplified", "traditional", "latin and kana", "symbols", "examples"],
)
def test_the_bundled_font_has_a_glyph_for(wanted: set[str]) -> None:
    face = ImageFont.truetype(FONT, 12, layout_engine=ImageFont.Layout.BASIC)
    missing = bytes(face.getmask("\U0010fffe"))
    assert wanted
    assert not {character for character in wanted if bytes(face.getmask(character)) in (missing, b"")}
