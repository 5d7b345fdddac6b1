"""A template's id depends on its content, its pixels stay exact, and only readable boxes are accepted."""

import io

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from containers.custom_ocr.template import Anchor, Corners, Field, Template, fields_of, template_id
from serving.arrays import Pixels
from serving.errors import UnprocessableInput
from serving.images.intake import Media

IMAGE = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
BOX: Corners = ((10, 10), (40, 12), (40, 30), (9, 29))

points = st.tuples(st.floats(0, 80), st.floats(0, 60))
corners = st.tuples(points, points, points, points)
images = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
fields = st.lists(st.builds(Field, st.text(), corners), max_size=3)


@given(images, fields, st.lists(st.builds(Anchor, st.text(), corners), max_size=3))
def test_a_template_stored_as_json_is_the_same_to_the_last_pixel(
    image: Pixels, fields: list[Field], anchors: list[Anchor]
) -> None:
    made = Template.of(image, fields, anchors)
    assert (list(made.fields), list(made.anchors)) == (fields, anchors)
    decoded = msgspec.json.decode(msgspec.json.encode(made), type=Template)
    assert decoded == made
    np.testing.assert_array_equal(Media(min_side=1).decode(decoded.image), image)


def test_the_id_depends_on_pixels_and_fields_and_not_on_the_file_format() -> None:
    expected = template_id(IMAGE, fields_of([(BOX, "a")], 80, 60))
    assert len(expected) == 40
    assert int(expected, 16) > 0
    for kind in ("PNG", "BMP"):
        file = io.BytesIO()
        Image.fromarray(IMAGE).save(file, kind)
        again = Media().decode(file.getvalue())
        rewritten = fields_of([(((10.0, 10), (40, 12), (40, 30), (9, 29)), " a ")], 80, 60)
        assert template_id(again, rewritten) == expected
    assert template_id(np.asfortranarray(IMAGE), fields_of([(BOX, "a")], 80, 60)) == expected


def test_another_image_field_name_or_order_gives_another_id() -> None:
    one, two = fields_of([(BOX, "a"), (BOX, "b")], 80, 60)
    moved = Field("a", (*BOX[:3], (9, 28)))
    lists = [[one], [two], [one, two], [two, one], [moved]]
    ids = {template_id(image, given) for image in (IMAGE, IMAGE.reshape(80, 60, 3)) for given in lists}
    assert len(ids) == 10


def test_minus_zero_gives_the_same_id_as_zero() -> None:
    zero, minus = (fields_of([(((x, x), (9, x), (9, 9), (x, 9)), "a")], 80, 60) for x in (0.0, -0.0))
    assert template_id(IMAGE, zero) == template_id(IMAGE, minus)


def test_fields_keep_their_order_and_lose_the_space_around_their_names() -> None:
    found = fields_of([(BOX, " 识别号\n"), (BOX, "Family name")], 80, 60)
    assert [field.name for field in found] == ["识别号", "Family name"]
    assert found[0].corners == BOX


@pytest.mark.parametrize("turns", range(4))
def test_the_corners_may_start_anywhere_because_a_field_may_be_turned(turns: int) -> None:
    a, b, c, d = (*BOX, *BOX)[turns : turns + 4]
    assert fields_of([((a, b, c, d), "a")], 80, 60)[0].corners == (a, b, c, d)


def test_the_whole_image_may_be_a_field() -> None:
    assert fields_of([(((0, 0), (80, 0), (80, 60), (0, 60)), "a")], 80, 60)


@pytest.mark.parametrize(
    ("corners", "fault"),
    [
        (((10, 10), (81, 10), (40, 30), (10, 30)), r"top-right corner \(81, 10\) .* image of 80x60 px"),
        (((10, -1), (40, 10), (40, 30), (10, 30)), r"top-left corner \(10, -1\) is outside"),
        (((10, 10), (40, 10), (40, 61), (10, 30)), "bottom-right corner .* is outside"),
        (((10, 10), (40, 10), (40, 30), (float("nan"), 30)), r"bottom-left corner \(nan, 30\) is outside"),
        (((10, 10), (float("inf"), 10), (40, 30), (10, 30)), "top-right corner .* is outside"),
        (((10, 10), (10, 10), (10, 10), (10, 10)), "side of 0 px, at least 3"),
        (((10, 10), (40, 10), (40, 12), (10, 12)), "side of 2 px, at least 3"),
        (((10, 10), (13, 10), (16, 11), (13, 11)), "area of 3 px², at least 16"),
        (((10, 10), (20, 10), (30, 10), (40, 10)), "not convex and clockwise"),
        (((10, 10), (10, 30), (40, 30), (40, 10)), "expected top-left, top-right, bottom-right, bottom-left"),
        (((10, 10), (40, 30), (40, 10), (10, 30)), "not convex and clockwise"),
        (((10, 10), (40, 10), (15, 15), (10, 30)), "not convex and clockwise"),
    ],
)
def test_a_wrong_box_is_refused_with_its_fault(corners: Corners, fault: str) -> None:
    with pytest.raises(UnprocessableInput, match=rf"^template\[1\] 'wrong': .*{fault}"):
        fields_of([(BOX, "fine"), (corners, "wrong")], 80, 60)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "the name is empty"),
        (" \t", "the name is empty"),
        ("x" * 101, "the name has 101 characters, at most 100"),
        ("a\x00b", r"the name 'a\\x00b' has a control character"),
        ("first ", "the name 'first' is taken by another field"),
    ],
)
def test_a_wrong_name_is_refused_with_its_fault(name: str, fault: str) -> None:
    with pytest.raises(UnprocessableInput, match=rf"^template\[1\]: {fault}$"):
        fields_of([(BOX, "first"), (BOX, name)], 80, 60)


@pytest.mark.parametrize("count", [0, 201])
def test_a_template_has_1_to_200_fields(count: int) -> None:
    assert len(fields_of([(BOX, str(index)) for index in range(200)], 80, 60)) == 200
    with pytest.raises(UnprocessableInput, match=f"^template: {count} fields, at least 1 and at most 200$"):
        fields_of([(BOX, str(index)) for index in range(count)], 80, 60)


@given(corners)
def test_any_accepted_box_is_convex_and_clockwise(box: Corners) -> None:
    try:
        (field,) = fields_of([(box, "a")], 80, 60)
    except UnprocessableInput:
        return
    contour = np.array(field.corners, np.float32)
    assert cv2.isContourConvex(contour)
    assert cv2.contourArea(contour, oriented=True) >= 15.9  # positive is clockwise


@given(st.floats(5, 30), st.floats(5, 30), st.floats(0, 2 * np.pi))
def test_any_turned_rectangle_is_accepted(width: float, height: float, angle: float) -> None:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2
    a, b, c, d = ((x, y) for x, y in (upright @ turn + (40, 30)).tolist())
    assert fields_of([((a, b, c, d), "a")], 80, 60)[0].corners == (a, b, c, d)
