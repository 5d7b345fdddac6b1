"""Pixels become lines of text: tests of the steps around PP-OCR's networks, and of the whole pipeline."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont

from containers.general_ocr import detection, network, recognition
from containers.general_ocr.onnx_weights import characters
from containers.general_ocr.reader import Line, TextReader
from serving.arrays import Floats, Integers, Pixels
from serving.executor import compile
from serving.feature import find
from serving.settings import Settings
from serving.weights import resolve

TEXTS = ("Invoice 2024", "Total: 1,234.50", "Hi", "a rather long line of text to read", "ABC-789")


def page(*texts: str, width: int = 800, height: int = 500) -> Pixels:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for row, text in enumerate(texts):
        draw.text((30, 30 + 80 * row), text, "black", ImageFont.load_default(36))
    return np.asarray(image)


# Detection


@st.composite
def rectangles(draw: st.DrawFn) -> tuple[float, float, float, float, float]:
    """Draws the centre, width, height and angle in degrees of a line of text in a map of 416x384 px."""
    return (
        draw(st.floats(180, 230)),
        draw(st.floats(170, 220)),
        draw(st.floats(80, 180)),
        draw(st.floats(20, 36)),
        draw(st.floats(-35, 35)),
    )


def corners(rectangle: tuple[float, float, float, float, float], grow: float) -> Floats:
    x, y, width, height, angle = rectangle
    box = cv2.boxPoints(((x, y), (width + 2 * grow, height + 2 * grow), angle))
    return detection.clockwise(np.asarray(box, np.float32))


@given(rectangles())
def test_a_drawn_rectangle_is_found_and_grown_by_the_unclip_rule(
    rectangle: tuple[float, float, float, float, float],
) -> None:
    probability = np.zeros((384, 416), np.float32)
    cv2.fillPoly(probability, [corners(rectangle, 0).round().astype(np.int32)], 0.9)
    (polygon,) = detection.polygons(probability, 384, 416)
    width, height = rectangle[2:4]
    distance = 1.6 * width * height / (2 * width + 2 * height)
    centre, sides, _ = cv2.minAreaRect(polygon)
    np.testing.assert_allclose(centre, rectangle[:2], atol=2)  # rounded twice, moved half a pixel by dilation
    # outline pixels, dilation and rounded corners cause -0.5 to 9.3 px in 20,000 random rectangles
    excess = np.sort(sides) - np.sort((width, height)) - 2 * distance
    assert (excess > -1).all()
    assert (excess < 10).all()
    np.testing.assert_allclose(polygon, corners(rectangle, distance + 2.5), atol=5)


@given(rectangles(), st.floats(0.5, 3.5), st.floats(0.5, 3.5))
def test_polygons_are_clockwise_and_in_pixels_of_the_image(
    rectangle: tuple[float, float, float, float, float], across: float, down: float
) -> None:
    probability = np.zeros((384, 416), np.float32)
    cv2.fillPoly(probability, [corners(rectangle, 0).astype(np.int32)], 0.9)
    height, width = round(384 * down), round(416 * across)
    (small,) = detection.polygons(probability, 384, 416)
    (polygon,) = detection.polygons(probability, height, width)
    np.testing.assert_allclose(polygon / (width / 416, height / 384), small, atol=3)
    edges = np.roll(polygon, -1, axis=0) - polygon
    following = np.roll(edges, -1, axis=0)
    assert (edges[:, 0] * following[:, 1] > edges[:, 1] * following[:, 0]).all()


@given(
    arrays(np.float32, (64, 96), elements=st.floats(0, 1, width=32)), st.integers(2, 500), st.integers(2, 500)
)
def test_polygons_of_any_map_stay_inside_the_image(noise: Floats, height: int, width: int) -> None:
    smooth = np.asarray(cv2.GaussianBlur(noise, (9, 9), 3), np.float32)
    found = detection.polygons(smooth, height, width)
    assert found.shape[1:] == (4, 2)
    assert (found >= 0).all()
    assert (found <= (width - 1, height - 1)).all()


def test_faint_and_tiny_spots_are_not_text() -> None:
    probability = np.zeros((96, 96), np.float32)
    probability[10:30, 10:80] = 0.4
    probability[60:62, 10:12] = 0.99
    assert detection.polygons(probability, 96, 96).shape == (0, 4, 2)


def test_lines_are_read_top_to_bottom_and_left_to_right() -> None:
    starts = [(300, 20), (20, 25), (150, 22), (20, 100), (200, 96)]
    boxes = np.array([[(x, y), (x + 90, y), (x + 90, y + 30), (x, y + 30)] for x, y in starts], np.float32)
    ordered = detection.reading_order(boxes)[:, 0].tolist()
    assert ordered == [[20, 25], [150, 22], [300, 20], [20, 100], [200, 96]]


@given(st.integers(2, 4096), st.integers(2, 4096))
def test_the_networks_input_is_bounded_and_has_nearly_the_aspect_ratio_of_the_image(
    height: int, width: int
) -> None:
    top, left = detection.padding(height, width)
    framed = height + 2 * top, width + 2 * left
    rows, columns = detection.network_size(*framed)
    assert rows % 32 == columns % 32 == 0
    assert min(rows, columns) >= 32
    assert rows * columns <= 1.1 * detection.MAX_PIXELS
    assert 0.75 < (columns / rows) / (framed[1] / framed[0]) < 1.34


# Recognition


def ctc_text(best: Sequence[int], characters: Sequence[str]) -> str:
    """Decodes step by step, as a reference."""
    text, before = "", 0
    for index in best:
        if index not in (0, before):
            text += characters[index]
        before = index
    return text


@given(arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.integers(0, 3)))
def test_ctc_merges_repeats_and_drops_blanks(best: Integers) -> None:
    alphabet = ("", "a", "b", " ")
    logits = np.where(np.arange(4) == best[..., None], np.float32(3), np.float32(1))
    decoded = recognition.decode(logits, alphabet)
    assert [text for text, _ in decoded] == [ctc_text(row, alphabet) for row in best.tolist()]
    probability = np.exp(3) / (np.exp(3) + 3 * np.exp(1))
    assert all(score == pytest.approx(probability if text else 0, abs=1e-5) for text, score in decoded)


@given(st.lists(st.integers(1, recognition.MAX_WIDTH), max_size=60), st.integers(32, 4000))
def test_batches_have_every_line_once_and_lines_of_one_padded_width(widths: list[int], columns: int) -> None:
    found = recognition.batches(widths, columns)
    assert sorted(index for batch in found for index in batch) == list(range(len(widths)))
    for batch in found:
        (padded,) = {recognition.padded_width(widths[index]) for index in batch}
        assert all(widths[index] < padded for index in batch)
        assert len(batch) == 1 or len(batch) * padded <= columns


def test_a_tall_line_is_turned_before_it_is_read() -> None:
    lying = page("Vertical", width=400, height=100)
    standing = np.ascontiguousarray(np.rot90(lying, -1))
    polygon = np.array(((0, 0), (100, 0), (100, 400), (0, 400)), np.float32)
    np.testing.assert_array_equal(recognition.crop(standing, polygon), lying)


def test_padding_does_not_change_the_text(reader: TextReader) -> None:
    weights = resolve(find("general_ocr"), Settings.read())
    example = np.zeros((2, 3, 48, 160), np.float32)
    recogniser = compile(
        lambda: network.recogniser(weights["rec.onnx"]), example, device="cpu", cache=weights.derived("rec")
    )
    names = characters(weights["rec.onnx"])
    for text in TEXTS:
        image = page(text)
        (polygon,) = reader.detect([image])[0]
        line = recognition.fit(recognition.crop(image, polygon))
        narrow = recognition.network_input([line])
        wide = np.pad(narrow, ((0, 0), (0, 0), (0, 0), (0, 160)))
        (read, _), (read_wide, _) = (
            recognition.decode(recogniser(array)[0], names)[0] for array in (narrow, wide)
        )
        assert read == read_wide == text


# The whole pipeline


def test_rendered_lines_are_read(reader: TextReader) -> None:
    (lines,) = reader.read([page(*TEXTS)])
    assert [line.text for line in lines] == list(TEXTS)
    assert all(line.score > 0.8 for line in lines)
    for row, line in enumerate(lines):
        assert line.polygon.dtype == np.float32
        left, top = line.polygon.min(axis=0)
        assert left == pytest.approx(30, abs=15)
        assert top == pytest.approx(38 + 80 * row, abs=15)


@settings(max_examples=3, deadline=None)
@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=3), min_size=2, max_size=3))
def test_a_batch_gives_the_same_lines_as_its_images_alone(
    reader: TextReader, contents: list[list[str]]
) -> None:
    images = [page(*texts, width=500 + 100 * index) for index, texts in enumerate(contents)]
    singles = [reader.read([image])[0] for image in images]
    for batched, single in zip(reader.read(images), singles, strict=True):
        assert same(batched, single)


def same(one: list[Line], other: list[Line]) -> bool:
    return [line.text for line in one] == [line.text for line in other] and all(
        np.array_equal(a.polygon, b.polygon) and a.score == pytest.approx(b.score, abs=1e-3)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("shape", [(2, 2), (2, 900), (900, 2), (8, 4096), (4096, 8), (64, 64)])
@pytest.mark.parametrize("colour", [0, 255])
def test_blank_images_of_any_shape_have_no_text(
    reader: TextReader, shape: tuple[int, int], colour: int
) -> None:
    assert reader.read([np.full((*shape, 3), colour, np.uint8)]) == [[]]


def test_empty_batches_are_allowed(reader: TextReader) -> None:
    assert reader.read([]) == []
    assert reader.recognise([]) == []


def test_a_strip_of_text_is_read(reader: TextReader) -> None:
    strip = page("one two three four five six seven eight nine ten", width=2400, height=110)[20:90]
    (lines,) = reader.read([strip])
    assert "".join(line.text for line in lines).replace(" ", "").startswith("onetwothreefour")
