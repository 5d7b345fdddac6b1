"""Lines belong to the fields that contain them, and are cut at the edges of a field."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from containers.custom_ocr.fields import Value, clip, parts, value_of
from serving.arrays import Floats


def box(left: float, top: float, right: float, bottom: float) -> Floats:
    return np.array(((left, top), (right, top), (right, bottom), (left, bottom)), np.float32)


FIELD = box(100, 100, 300, 140)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (box(120, 105, 280, 135), box(120, 105, 280, 135)),
        (box(20, 105, 280, 135), box(100, 105, 280, 135)),
        (box(120, 105, 400, 135), box(120, 105, 300, 135)),
        (box(20, 105, 400, 135), box(100, 105, 300, 135)),
        (box(90, 105, 310, 135), box(90, 105, 310, 135)),
        (box(120, 90, 280, 125), box(120, 90, 280, 125)),
        (box(120, 60, 280, 135), None),
        (box(310, 105, 400, 135), None),
        (box(295, 105, 400, 135), None),
    ],
    ids=[
        "inside",
        "begins before the field",
        "ends after the field",
        "extends beyond both ends",
        "extends slightly beyond both ends",
        "is slightly too high",
        "belongs to the line above",
        "is outside the field",
        "touches the field",
    ],
)
def test_the_part_of_a_line_inside_a_field(line: Floats, part: Floats | None) -> None:
    found = clip(line, FIELD)
    assert (found is None) == (part is None)
    if found is not None and part is not None:
        np.testing.assert_allclose(found, part, atol=1e-3)


def test_a_tall_line_is_cut_along_its_height() -> None:
    tall = np.ascontiguousarray(box(100, 20, 130, 400))
    found = clip(tall, box(90, 100, 140, 300))
    assert found is not None
    np.testing.assert_allclose(found, box(100, 100, 130, 300), atol=1e-3)


def test_the_beginning_of_a_value_that_is_also_in_the_labels_box_is_read_once() -> None:
    label, value, below = box(20, 102, 122, 136), box(101, 104, 250, 138), box(100, 126, 180, 158)
    found = parts(np.stack((label, value, below)), box(100, 100, 300, 160))
    np.testing.assert_allclose(found, [value, below], atol=1e-3)


@given(st.floats(-np.pi, np.pi), st.integers(-60, 460), st.integers(30, 400), st.integers(104, 120))
def test_rotating_field_and_line_rotates_the_part(turn: float, left: int, length: int, top: int) -> None:
    line = box(left, top, left + length, top + 18)
    turned = np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))), np.float32)
    straight, slanted = clip(line, FIELD), clip(line @ turned, FIELD @ turned)
    cuts = np.array([left - 100, left + length - 300, left - 300, left + length - 100]) / 18
    assume(min(abs(abs(cut) - edge) for cut in cuts for edge in (0.3, 0.5)) > 0.01)  # not at a threshold
    assert (straight is None) == (slanted is None)
    if straight is not None and slanted is not None:
        np.testing.assert_allclose(straight @ turned, slanted, atol=0.05)


def test_lines_are_joined_by_a_space_except_in_chinese() -> None:
    assert Value(("Helen Keane", "9 Market Square"), 1).text == "Helen Keane 9 Market Square"
    assert Value(("云溪市学府大道", "1206号"), 1).text == "云溪市学府大道 1206号"
    assert Value(("云溪市", "学府大道，", "北"), 1).text == "云溪市学府大道，北"
    assert Value((), 0).text == ""


def test_a_value_has_the_mean_score_of_its_texts_without_low_scores() -> None:
    value = value_of([(" 18.00", 0.875), ("", 1.0), ("?", 0.4), ("元", 0.625)], 0.5)
    assert value == Value(("18.00", "元"), 0.75)
    assert value_of([("?", 0.4)], 0.5) == Value((), 0.0)
