"""Photographs give plates: the tests cover regions, colours, pairs of rows, and images without plates."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.renders.plate_example import SAMPLES, Sample, photograph, plate
from containers.car_license_plate import regions
from containers.car_license_plate.colour import colour
from containers.car_license_plate.line_readers import LPRReader, PlateNetReader
from containers.car_license_plate.outline import grown, outline
from containers.car_license_plate.plates import PlateReader
from containers.general_ocr.reader import TextReader
from serving.arrays import Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import Store
from tests.support.ask import Ask
from tests.support.paths import SHARED

CROPS, PHOTOGRAPH = SHARED / "images/plate/crops", SHARED / "images/plate/single_blue.jpg"


@pytest.fixture(scope="module")
def plate_reader(reader: TextReader) -> PlateReader:
    weights = Store.of(Settings.read()).resolve(find("car_license_plate"), "lite", download=False)
    return PlateReader(reader, PlateNetReader.load(weights, "cpu"))


@pytest.fixture(scope="module")
def lprnet_reader() -> LPRReader:
    mirror = SHARED / "weights"
    if not (mirror / "lprnet_ccpd.pth").is_file():
        pytest.skip(f"no LPRNet weights in {mirror}")
    store = Store(cache_dir=Settings.read().cache_dir, mirror=mirror)
    return LPRReader.load(store.resolve(find("car_license_plate"), "standard", download=False), "cpu")


def front(sample: Sample) -> Pixels:
    return (plate(sample).pixels * 255).astype(np.uint8)


def crops(step: int) -> tuple[list[str], list[Pixels]]:
    if not CROPS.is_dir():
        pytest.skip(f"no crops of real plates: {CROPS} does not exist")
    files = sorted(CROPS.glob("*.jpg"))[::step]
    return [file.stem for file in files], [Media().decode(file.read_bytes()) for file in files]


def share_right(read: Sequence[str], printed: Sequence[str]) -> float:
    return sum(one == other for one, other in zip(read, printed, strict=True)) / len(printed)


# Colours and regions


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.text)
def test_the_colour_of_a_plate_is_recognised_in_bright_and_dim_light(sample: Sample) -> None:
    for light in (1.0, 0.6):
        assert colour((front(sample) * light).astype(np.uint8)) == sample.colour


def test_the_outline_of_a_coloured_plate_is_found_around_its_text() -> None:
    image = np.full((200, 300, 3), 120, np.uint8)
    corners = np.array(((100, 80), (200, 90), (195, 124), (96, 112)), np.float32)
    cv2.fillConvexPoly(image, corners.astype(np.int32), (20, 60, 190))
    text = np.array(((110, 88), (190, 92), (188, 114), (108, 110)), np.float32)
    found = outline(image, text)
    assert found is not None
    np.testing.assert_allclose(found, corners, atol=4)
    assert outline(np.full((200, 300, 3), 120, np.uint8), text) is None


@given(st.floats(0, 2), st.floats(0, 2))
def test_a_grown_rectangle_keeps_its_middle(across: float, down: float) -> None:
    box = np.array(((10, 10), (50, 10), (50, 30), (10, 30)), np.float32)
    larger = grown(box, across, down)
    np.testing.assert_allclose(larger.mean(axis=0), (30, 20), atol=1e-3)
    np.testing.assert_allclose(np.ptp(larger, axis=0), (40 + 40 * across, 20 + 40 * down), rtol=1e-4)


def test_two_stacked_rows_are_one_region_and_are_read_side_by_side() -> None:
    upper = np.array(((40, 10), (80, 10), (80, 25), (40, 25)), np.float32)
    lower = np.array(((10, 30), (110, 30), (110, 55), (10, 55)), np.float32)
    image = np.zeros((200, 200, 3), np.uint8)
    image[10:25, 40:80] = 255
    image[30:55, 10:110] = 100
    (joined,) = (
        region for region in regions.regions(image, np.stack((upper, lower))) if len(region.rows) == 2
    )
    np.testing.assert_array_equal(joined.rows, (upper, lower))
    line = regions.line(image, joined)
    assert line[24, 5].tolist() == [255] * 3
    assert line[24, -5].tolist() == [100] * 3


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_any_image_gives_lines_for_its_regions(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (3, 3, 3)).astype(np.uint8)
    image = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    box = rng.uniform(0, (width, height), (4, 2)).astype(np.float32)
    for region in [*regions.regions(image, box[None]), *regions.coloured(image, box)]:
        assert regions.line(image, region).size


# The whole pipeline


def test_a_plate_in_a_grey_picture_gets_the_most_common_colour(plate_reader: PlateReader) -> None:
    for sample, expected in (
        (Sample("京A12345", "blue"), "blue"),
        (Sample("粤BD12345", "green"), "green"),
    ):
        grey = photograph(sample, np.random.default_rng(1)).convert("L").convert("RGB")
        (found,) = plate_reader.read([np.asarray(grey)])
        assert [(one.text, one.colour) for one in found] == [(sample.text, expected)]


def test_plates_of_all_kinds_are_read_in_one_batch(plate_reader: PlateReader) -> None:
    samples = [SAMPLES[index] for index in (1, 11, 14, 17, 20)]
    read = plate_reader.read([np.asarray(photograph(one, np.random.default_rng(1))) for one in samples])
    found = [[(one.text, one.colour, one.valid) for one in plates] for plates in read]
    assert found == [[(sample.text, sample.colour, True)] for sample in samples]


def test_several_plates_keep_their_own_texts(plate_reader: PlateReader) -> None:
    samples = [
        Sample("京A12345", "blue"),
        Sample("沪BD12345", "green"),
        Sample("豫A36829", "yellow", two_rows=True),
    ]
    image = np.full((420, 900, 3), 90, np.uint8)
    places = [(60, 250), (620, 60), (330, 150)]
    for sample, (left, top) in zip(samples, places, strict=True):
        small = cv2.resize(front(sample), None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
        image[top : top + small.shape[0], left : left + small.shape[1]] = small
    (found,) = plate_reader.read([image])
    corners = {one.text: one.polygon.min(axis=0) for one in found}
    assert list(corners) == ["沪BD12345", "豫A36829", "京A12345"]
    for sample, place in zip(samples, places, strict=True):
        np.testing.assert_allclose(corners[sample.text], place, atol=16)


def test_a_plate_at_the_edge_stays_inside_the_picture(plate_reader: PlateReader) -> None:
    image = np.asarray(cv2.resize(front(Sample("京A12345", "blue")), (300, 95)), np.uint8)
    (found,) = plate_reader.read([image])
    assert [one.text for one in found] == ["京A12345"]
    assert (found[0].polygon >= 0).all()
    assert (found[0].polygon <= (300, 95)).all()


def test_a_text_that_no_plate_of_that_colour_has_is_reported_as_invalid(plate_reader: PlateReader) -> None:
    image = np.asarray(photograph(Sample("京AD12345", "blue"), np.random.default_rng(0)))
    (found,) = plate_reader.read([image])
    assert [(one.text, one.colour, one.valid) for one in found] == [("京AD12345", "blue", False)]


def test_a_plate_number_in_a_letter_is_not_a_plate(plate_reader: PlateReader) -> None:
    page = np.full((400, 600, 3), 250, np.uint8)
    page[..., 2] = 235
    sample = Sample("京A12345", "white")
    page[100:142, 100:232] = cv2.resize(
        front(sample)[20:-20, 16:-16], (132, 42), interpolation=cv2.INTER_AREA
    )
    assert plate_reader.read([page]) == [[]]


def test_photographs_of_text_have_no_plate(plate_reader: PlateReader, photographs: Path) -> None:
    images = [Media().decode((photographs / name).read_bytes()) for name in ("00056221.jpg", "1.jpg")]
    assert plate_reader.read(images) == [[], []]


def test_both_plates_of_a_real_photograph_are_read(plate_reader: PlateReader) -> None:
    if not PHOTOGRAPH.is_file():
        pytest.skip(f"no real photograph of plates: {PHOTOGRAPH} does not exist")
    (found,) = plate_reader.read([Media().decode(PHOTOGRAPH.read_bytes())])
    assert [one.text[1:] for one in found] == ["DU4356", "B2V9L7"]
    assert {one.colour for one in found} == {"blue"}


def test_real_crops_are_read_with_the_grammar(plate_reader: PlateReader, reader: TextReader) -> None:
    printed, images = crops(10)
    read = [
        max(found, key=lambda one: one.score).text if found else "" for found in plate_reader.read(images)
    ]
    assert share_right(read, printed) >= 0.8


def test_lprnet_reads_real_crops(lprnet_reader: LPRReader) -> None:
    printed, images = crops(2)
    texts = lprnet_reader.read(images)
    assert share_right([found[0].text for found in texts], printed) >= 0.85
    (alone,) = lprnet_reader.read(images[:1])
    assert alone[0].text == texts[0][0].text
    assert alone[0].score == pytest.approx(texts[0][0].score, abs=1e-3)


# Request and reply


def test_type_and_validity_are_in_the_reply_only_with_detail(ask: Ask) -> None:
    feature = find("car_license_plate")
    request = {**feature.example["request"], "detail": False, "duration": True}
    (plain,) = ask(feature, msgspec.json.encode(request))
    *plates, last = msgspec.json.decode(plain.body)
    assert [set(one) for one in plates] == [{"words", "location", "score", "polygon"}] * 4
    assert 0 < last["duration"] < 60
    (detailed,) = ask(feature, msgspec.json.encode({**request, "detail": True, "duration": False}))
    details = [(one["plate_type"], one["valid"]) for one in msgspec.json.decode(detailed.body)]
    assert details == [(kind, True) for kind in ("blue", "green", "yellow", "white")]


def test_the_reply_for_an_image_without_a_plate_is_an_empty_list(ask: Ask) -> None:
    blank = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(blank, "PNG")
    (reply,) = ask(find("car_license_plate"), blank.getvalue(), content_type="image/png")
    assert (reply.status, reply.body) == (200, b"[]")
