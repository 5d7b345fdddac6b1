"""Tests of the parts of face_detection that need no trained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.face_detection import detection
from containers.face_detection.crops import Square, batches
from containers.face_detection.feature import PROFILES, FaceDetectionRequest
from containers.face_detection.mesh106 import TABLE, mesh_to_106
from containers.face_detection.model import Item, Model
from containers.face_detection.networks.fairface import fairface
from containers.face_detection.networks.retinaface import RetinaFace, retinaface
from containers.face_detection.networks.tiny_xception import filled
from containers.face_detection.weight_files import FACEMESH
from serving.arrays import Floats
from serving.feature import find
from serving.weights.store import Found, Weights
from tests.support.ask import weights_of
from tests.support.networks.onnx_files import export

# The steps before and after the detector's network


@given(st.integers(2, 4096), st.integers(2, 4096))
def test_no_view_is_enlarged_and_the_coarse_view_is_the_smaller_one(height: int, width: int) -> None:
    first, *rest = detection.factors(np.broadcast_to(np.uint8(0), (height, width, 3)))
    assert 0 < first <= 1
    assert first * max(height, width) <= detection.FINE + 0.01
    assert all(factor < first for factor in rest)
    assert bool(rest) == (max(height, width) > detection.COARSE)


@settings(max_examples=20)
@given(st.integers(2, 200), st.integers(2, 200))
def test_the_input_of_the_network_is_blue_green_red_and_padded_with_the_mean(height: int, width: int) -> None:
    image = np.full((height, width, 3), (200, 100, 50), np.uint8)
    framed = detection.network_input(image)
    assert framed.shape[2] % 32 == framed.shape[3] % 32 == 0
    np.testing.assert_array_equal(framed[0, :, height - 1, width - 1], (50 - 104, 100 - 117, 200 - 123))
    assert not framed[..., height:, :].any()
    assert not framed[..., width:].any()


def rows(*boxes: tuple[float, ...]) -> Floats:
    """Returns (K, 15) rows of the detector from boxes: left, top, right, bottom, score."""
    return np.array([(*box, *range(10)) for box in boxes], np.float32).reshape(-1, 15)


def test_a_face_found_in_both_views_is_returned_once() -> None:
    fine, coarse = rows((100, 100, 270, 300, 0.9), (104, 98, 274, 300, 0.8)), rows((26, 25, 68, 75, 0.95))
    (face,) = detection.faces([fine, coarse], (1.0, 0.25))
    np.testing.assert_allclose(face.box, (104, 100, 272, 300))
    np.testing.assert_allclose(face.points, np.arange(10).reshape(5, 2) * 4)


def test_a_piece_of_a_large_face_is_dropped_and_a_neighbour_is_not() -> None:
    fine = rows((120, 120, 220, 220, 0.9), (620, 100, 700, 200, 0.99))
    # the second box is too small for the coarse view
    coarse = rows((25, 25, 150, 150, 0.92), (150, 20, 160, 30, 0.99))
    found = detection.faces([fine, coarse], (1.0, 0.25))
    assert [face.box[0] for face in found] == [620, 100]


def test_no_rows_give_no_faces() -> None:
    assert detection.faces([rows(), rows()], (1.0, 0.25)) == []


# Crops


@settings(max_examples=30, deadline=None)
@given(st.floats(0.3, 0.7), st.floats(0.3, 0.7), st.floats(-3.1, 3.1), st.floats(40, 400))
def test_points_of_the_crop_are_mapped_to_the_right_place_in_the_image(
    x: float, y: float, angle: float, side: float
) -> None:
    square = Square(np.array((310.5, 300.25), np.float32), side, angle)  # lies inside the picture
    (point,) = square.image_points(np.array([(x * 96, y * 96)], np.float32), 96)
    down, across = np.mgrid[:640, :640] + 0.5
    spot = np.exp(-((across - point[0]) ** 2 + (down - point[1]) ** 2) / (side / 8) ** 2)
    crop = square.crop(np.repeat(255 * spot[..., None], 3, 2).astype(np.uint8), 96)[..., 0].astype(np.float64)
    middle = [(np.arange(96) + 0.5) @ crop.sum(axis=axis) / crop.sum() for axis in (0, 1)]
    np.testing.assert_allclose(middle, (x * 96, y * 96), atol=0.3)


def test_crops_of_one_colour_stay_that_colour() -> None:
    image = np.full((300, 400, 3), (10, 20, 30), np.uint8)
    crop = Square(np.array((200, 150), np.float32), 100, 0.7).crop(image, 64)
    assert crop.shape == (64, 64, 3)
    assert (crop == (10, 20, 30)).all()
    outside = Square(np.array((-300, 150), np.float32), 100).crop(image, 64)
    assert (outside == (123, 117, 104)).all()


def test_batches_keep_order_and_size() -> None:
    crops = [np.full((4, 4, 3), index, np.uint8) for index in range(7)]
    found = list(batches(crops, 3))
    assert [len(batch) for batch in found] == [3, 3, 1]
    assert np.concatenate(found)[:, 0, 0, 0].tolist() == list(range(7))


# Landmarks


def test_each_of_the_106_points_comes_from_points_of_the_mesh() -> None:
    assert len(TABLE) == 106
    assert all(0 <= index < 468 for indices in TABLE for index in indices)
    mesh = np.random.default_rng(0).normal(size=(2, 468, 2)).astype(np.float32)
    points = mesh_to_106(mesh)
    assert points.shape == (2, 106, 2)
    np.testing.assert_array_equal(points[:, 16], mesh[:, 152])  # the chin


# Networks


def saved(module: torch.nn.Module, path: Path, prefix: str = "") -> Path:
    torch.save({prefix + name: tensor for name, tensor in module.state_dict().items()}, path)
    return path


def undecided() -> RetinaFace:
    """Returns a detector with zeros in its heads, so that every anchor has the score 0.5."""
    blank = RetinaFace()
    for head in (*blank.ClassHead, *blank.BboxHead, *blank.LandmarkHead):
        torch.nn.init.zeros_(head.conv1x1.weight)
        torch.nn.init.zeros_(head.conv1x1.bias)
    return blank


def test_a_detector_with_zeros_in_its_heads_returns_its_anchors(tmp_path: Path) -> None:
    loaded = retinaface(saved(undecided(), tmp_path / "blank.pth", prefix="module."))
    found = loaded(torch.zeros(2, 3, 64, 96))
    assert found.shape == (2, 64 * 96 * 21 // 512, 15)
    assert set(found[..., 4].unique().tolist()) == {0.5}
    first, second = found[1, :2, :4].tolist()
    assert (first, second) == ([-4, -4, 12, 12], [-12, -12, 20, 20])  # squares of 16 and 32 px around (4, 4)
    assert found[1, -1, :4].tolist() == [80 - 256, 48 - 256, 80 + 256, 48 + 256]


@pytest.mark.parametrize("missing", ["body.conv1.weight", "ssh2.conv7x7_3.0.weight"])
def test_the_error_names_a_tensor_that_the_file_lacks(tmp_path: Path, missing: str) -> None:
    state = RetinaFace().state_dict()
    del state[missing]
    torch.save(state, tmp_path / "damaged.pth")
    with pytest.raises(RuntimeError, match=missing):
        retinaface(tmp_path / "damaged.pth")


def test_tiny_xception_needs_every_tensor_of_the_file() -> None:
    with pytest.raises(RuntimeError, match=r"middle_flow.main_block_1.separable_conv2.pointwise.weight"):
        filled({"fc/age/bias": np.zeros(1, np.float32)})


# The standard profile, with untrained weights


class Heads(torch.nn.Module):
    """A network with the outputs of FairFace that returns a man of 25 years for every input."""

    def __init__(self) -> None:
        super().__init__()
        self.pooled = torch.nn.Sequential(torch.nn.AvgPool2d(224), torch.nn.Flatten())
        self.heads = torch.nn.ModuleList(torch.nn.Linear(3, classes) for classes in (7, 2, 9))
        for parameter in self.parameters():
            torch.nn.init.zeros_(parameter)
        for head, chosen in ((1, 0), (2, 3)):
            self.heads[head].get_parameter("bias").data[chosen] = 20

    def forward(self, faces: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pooled = self.pooled(faces)
        return tuple(head(pooled) for head in self.heads)


@pytest.fixture
def standard(tmp_path: Path) -> Weights:
    """Untrained weights in files with the formats and names of the profile's; only FaceMesh is trained."""
    export(Heads(), tmp_path / "age_gender.onnx", 1, 3, 224, 224, open_axes={0: "batch"})
    saved(undecided(), tmp_path / "retinaface.pth", prefix="module.")
    files = {file.name: Found(tmp_path / file.name, "cache", "") for file in PROFILES["standard"].files}
    files[FACEMESH.name] = Found(weights_of(find("face_detection"))[FACEMESH.name], "cache", "")
    assert all(found.path.is_file() for found in files.values())
    return Weights(profile="standard", files=files, random=True, derived_dir=tmp_path)


def test_the_standard_profile_runs(standard: Weights) -> None:
    model = Model.load(standard, "cpu-eager")
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    item = Item(image, FaceDetectionRequest(min_confidence=0.1))
    first, second = (model.postprocess(found, item) for found in model.predict([item, item]))
    assert first == second
    assert first.face_model_version == "retinaface-resnet50+facemesh-468+fairface-resnet34/2"
    (face,) = first.faces
    box = face.bounding_box
    # the largest anchor has 512 px and covers the image
    assert (box.left, box.top, box.width, box.height) == (0, 0, 1, 1)
    assert face.confidence == pytest.approx(0.5)
    assert (face.age, face.gender) == (25, "male")
    assert len(face.landmark_106) == 106


def test_a_network_without_the_outputs_of_fairface_is_refused(tmp_path: Path) -> None:
    export(Heads().pooled, tmp_path / "other.onnx", 1, 3, 224, 224, open_axes={0: "batch"})
    with pytest.raises(ValueError, match="expected 2, 9 and 7"):
        fairface(tmp_path / "other.onnx")
