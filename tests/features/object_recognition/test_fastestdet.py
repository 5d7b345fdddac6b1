"""Tests of FastestDet with its pinned weights: the objects that it finds in photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from benchmarks.data.composites import photograph
from containers.object_recognition.fastestdet import FastestDet, detections
from containers.object_recognition.feature import FASTESTDET
from containers.object_recognition.labels import COCO_NAMES, PERSON
from containers.object_recognition.networks.fastestdet import Detector, detector
from serving.arrays import Floats, Pixels
from serving.feature import find
from serving.weights import Weights
from tests.support.ask import weights_of
from tests.support.paths import SHARED

PHOTOGRAPHS = SHARED / "images" / "objects"


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(find("object_recognition"))


@pytest.fixture(scope="module")
def coco(weights: Weights) -> FastestDet:
    return FastestDet.load(weights, "cpu")


def names(coco: FastestDet, image: Pixels, min_score: float) -> list[str]:
    (found,) = coco.detect([image], min_score=min_score)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return [COCO_NAMES[one.label] for one in found]


def test_coco_has_80_names() -> None:
    assert (len(set(COCO_NAMES)), COCO_NAMES[PERSON], COCO_NAMES[79]) == (80, "person", "toothbrush")


def test_the_astronaut_is_a_person(coco: FastestDet) -> None:
    ((best, *_),) = coco.detect([photograph("astronaut")])
    assert best.label == PERSON
    assert best.score > 0.6
    assert best.box == pytest.approx([2, 12, 377, 512], abs=20)


@pytest.mark.parametrize(
    ("file", "expected"),
    [("1.jpg", ["bus"]), ("2.jpg", ["person"] * 3), ("3.jpg", ["person"] * 4)],
)
def test_objects_in_photographs_are_found(coco: FastestDet, file: str, expected: list[str]) -> None:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"no real photographs: {PHOTOGRAPHS} does not exist")
    assert names(coco, np.asarray(Image.open(PHOTOGRAPHS / file)), min_score=0.6) == expected


def test_a_batch_gives_the_same_as_its_images_alone(coco: FastestDet) -> None:
    images = [photograph("astronaut"), photograph("chelsea"), photograph("astronaut")[:, ::-1]] * 3
    for together, image in zip(coco.detect(images), images, strict=True):
        (alone,) = coco.detect([image])
        assert [one.label for one in together] == [one.label for one in alone]
        for one, other in zip(together, alone, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.5)
    assert coco.detect([]) == []


def test_a_file_that_lacks_a_tensor_is_refused(weights: Weights, tmp_path: Path) -> None:
    state = torch.load(weights[FASTESTDET.name], map_location="cpu", weights_only=True)
    del state["detect_head.cls_layers.conv5x5.3.weight"]
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(RuntimeError, match=r"Missing key.*cls_layers"):
        detector(tmp_path / "short.pth")


def test_the_network_gives_scores_and_a_raw_box_for_each_cell() -> None:
    grid = Detector().eval()(torch.rand(2, 3, 352, 352))
    assert grid.shape == (2, 85, 22, 22)
    torch.testing.assert_close(grid[:, 5:].sum(1), torch.ones(2, 22, 22))


@settings(max_examples=50)
@given(
    arrays(np.float32, (85, 5, 5), elements=st.floats(-4, 4, width=32)),
    st.integers(2, 5000),
    st.integers(2, 5000),
)
def test_boxes_lie_inside_the_image(grid: Floats, height: int, width: int) -> None:
    grid[0], grid[5:] = np.abs(grid[0]) / 4, np.abs(grid[5:]) / 4
    for box, score, _ in detections(grid, (height, width), 0.25):
        assert 0.25 <= score <= 1
        assert (box >= 0).all()
        assert (box <= (width, height, width, height)).all()
        assert (box[:2] <= box[2:]).all()
