"""Tests of NanoDet-g with its pinned weights: its decoding, and the objects that it finds in photographs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.data.composites import photograph
from containers.object_recognition.labels import COCO_NAMES, PERSON
from containers.object_recognition.nanodet import SIDE, NanoDet, detections, fits_of, network_input
from serving.arrays import Floats, Pixels
from serving.feature import find
from serving.weights import Weights
from tests.support.ask import weights_of
from tests.support.paths import SHARED

PHOTOGRAPHS = SHARED / "images" / "objects"
CELLS = 52 * 52 + 26 * 26 + 13 * 13


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(find("object_recognition"))


@pytest.fixture(scope="module")
def coco(weights: Weights) -> NanoDet:
    return NanoDet.load(weights, "cpu")


def names(coco: NanoDet, image: Pixels, min_score: float) -> list[str]:
    (found,) = coco.detect([image], min_score=min_score)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return [COCO_NAMES[one.label] for one in found]


def grid_with(cell: int, distances: tuple[float, ...], label: int, score: float) -> Floats:
    """Returns the output of the network in which one cell has found something."""
    grid = np.zeros((CELLS, 84), np.float32)
    grid[cell, label], grid[cell, 80:] = score, distances
    return grid


def test_coco_has_80_names() -> None:
    assert (len(set(COCO_NAMES)), COCO_NAMES[PERSON], COCO_NAMES[79]) == (80, "person", "toothbrush")


def test_the_astronaut_is_a_person(coco: NanoDet) -> None:
    ((best, *_),) = coco.detect([photograph("astronaut")])
    assert best.label == PERSON
    assert best.score > 0.6
    assert best.box == pytest.approx([10, 12, 370, 512], abs=25)


@pytest.mark.parametrize(
    ("file", "expected"),
    [("0.jpg", "person"), ("1.jpg", "bus"), ("2.jpg", "person"), ("3.jpg", "frisbee"), ("4.jpg", "cat")],
)
def test_objects_in_photographs_are_found(coco: NanoDet, file: str, expected: str) -> None:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"no real photographs: {PHOTOGRAPHS} does not exist")
    assert expected in names(coco, np.asarray(Image.open(PHOTOGRAPHS / file)), min_score=0.5)


def test_a_batch_gives_the_same_as_its_images_alone(coco: NanoDet) -> None:
    images = [photograph("astronaut"), photograph("chelsea"), photograph("coffee")[:, ::-1]] * 3
    for together, image in zip(coco.detect(images), images, strict=True):
        (alone,) = coco.detect([image])
        assert [one.label for one in together] == [one.label for one in alone]
        for one, other in zip(together, alone, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.5)
    assert coco.detect([]) == []


def test_a_cell_gives_the_box_around_its_centre() -> None:
    """The cell in row 20 and column 30 of the finest grid has its centre at x 244 and y 164 of the square."""
    (whole,) = fits_of((SIDE, SIDE))
    (found,) = detections([(grid_with(20 * 52 + 30, (1, 2, 3, 4), 16, 0.9), whole)], (SIDE, SIDE), 0.5)
    assert COCO_NAMES[found.label] == "dog"
    assert found.score == pytest.approx(0.9)
    assert found.box.tolist() == [236, 148, 268, 196]


def test_a_thing_that_both_fits_show_is_found_once() -> None:
    """In an image of 832×416 px, the middle of the square is the middle of the image in both fits."""
    inner, squeezed = fits_of((416, 832))
    assert (inner.size, squeezed.size) == ((416, 208), (416, 416))
    coarse = 52 * 52 + 26 * 26 + 6 * 13 + 6
    seen = [
        (grid_with(coarse, (2, 1, 2, 1), 0, 0.8), inner),
        (grid_with(coarse, (2, 2, 2, 2), 0, 0.7), squeezed),
    ]
    (found,) = detections(seen, (416, 832), 0.5)
    assert found.box == pytest.approx([288, 144, 544, 272])


@pytest.mark.parametrize("size", [(100, 100), (100, 900), (900, 100), (1, 4096), (416, 400)])
def test_an_image_lies_in_the_middle_of_a_black_square(size: tuple[int, int]) -> None:
    for fit in fits_of(size):
        shown = network_input(np.full((*size, 3), 255, np.uint8), fit) == 255
        (left, top), (width, height) = fit.corner, fit.size
        assert shown[:, top : top + height, left : left + width].all()
        assert shown.sum() == 3 * width * height


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5000), st.integers(2, 5000))
def test_boxes_lie_inside_the_image(seed: int, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    seen = []
    for fit in fits_of((height, width)):
        grid = np.zeros((CELLS, 84), np.float32)
        some = random.integers(0, CELLS, 20)
        grid[some, :80], grid[some, 80:] = random.random((20, 80)), 10 * random.random((20, 4))
        seen.append((grid, fit))
    for box, score, _ in detections(seen, (height, width), 0.25):
        assert 0.25 <= score <= 1
        assert (box >= 0).all()
        assert (box <= (width, height, width, height)).all()
        assert (box[:2] <= box[2:]).all()


@settings(max_examples=50)
@given(
    st.integers(20, 3000),
    st.integers(20, 3000),
    st.tuples(*[st.floats(0.1, 0.9)] * 2),
    st.tuples(*[st.floats(0.02, 0.1)] * 2),
)
def test_a_box_is_found_where_it_is_in_every_view(
    height: int, width: int, middle: tuple[float, float], half: tuple[float, float]
) -> None:
    """Distances are computed from the box as it lies in the square, from the cell that has its middle."""
    size, centre = np.array((width, height)), np.array(middle)
    box = np.concatenate((centre - half, centre + half)) * np.tile(size, 2)
    for fit in fits_of((height, width)):
        shown = box * np.tile(np.array(fit.size) / size, 2) + np.tile(fit.corner, 2)
        cell = np.minimum((shown[:2] + shown[2:]) // 2 // 8, 51)
        place = 8 * (cell + 0.5)
        distances = (*(place - shown[:2]) / 8, *(shown[2:] - place) / 8)
        (found,) = detections(
            [(grid_with(int(cell[1] * 52 + cell[0]), distances, 7, 0.9), fit)], (height, width), 0.5
        )
        assert found.box == pytest.approx(box, abs=0.01 * max(height, width) / 100 + 0.01)
