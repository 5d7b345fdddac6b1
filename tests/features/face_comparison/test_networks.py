"""Tests of alignment with generated points, and of the networks against their original graphs."""

import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from containers.face_comparison.embedding import (
    ARCFACE,
    DLIB,
    KINDS,
    Crop,
    FaceEmbedder,
    Kind,
    align,
    similarity_transform,
)
from containers.face_comparison.feature import RESNET29
from containers.face_comparison.networks.auraface import auraface
from containers.face_comparison.networks.resnet29 import resnet29
from serving.arrays import Doubles, Floats
from serving.feature import find
from serving.weights.store import Found, Weights
from tests.support.ask import weights_of

TEMPLATE, SIDE = ARCFACE.template, ARCFACE.side
FACE_API = [-0.10145, -0.190989, -0.200619, 0.0889616, 0.263227, -0.14559, -0.113872, 0.192935]

angles, scales, shifts = st.floats(-math.pi, math.pi), st.floats(0.05, 20), st.floats(-1000, 1000)


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """The list of tensors of ResNet-29, and its numbers."""
    weights = weights_of(find("face_comparison"))
    return [weights[file.name] for file in RESNET29]


# Alignment


@given(angles, scales, shifts, shifts)
def test_any_similarity_transform_is_recovered_from_five_points(
    angle: float, scale: float, right: float, down: float
) -> None:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([(cosine, -sine, right), (sine, cosine, down)])
    moved = TEMPLATE @ matrix[:, :2].T + matrix[:, 2]
    found = similarity_transform(TEMPLATE, moved.astype(np.float32))
    np.testing.assert_allclose(found, matrix, rtol=1e-3, atol=2e-3 * (1 + scale))


@given(st.lists(st.tuples(shifts, shifts), min_size=5, max_size=5, unique=True), angles, st.floats(0.9, 1.1))
def test_no_other_similarity_transform_fits_five_points_better(
    points: list[tuple[float, float]], angle: float, zoom: float
) -> None:
    source = np.array(points, np.float32)
    best = similarity_transform(source, TEMPLATE).astype(float)
    turn = 1e-2 * np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    other = np.concatenate((zoom * best[:, :2] + turn * np.hypot(*best[:, 0]), best[:, 2:]), 1)
    assert distance(best, source) <= distance(other, source) * 1.001 + 1e-2


def distance(matrix: Doubles, source: Floats) -> float:
    """Returns the sum of squared distances between the transformed points and the template."""
    moved = source.astype(float) @ matrix[:, :2].T + matrix[:, 2]
    return float(np.square(moved - TEMPLATE).sum())


@pytest.mark.parametrize("crop", [ARCFACE, DLIB], ids=["arcface", "dlib"])
@pytest.mark.parametrize("angle", [0, 30, 100, -170])
@pytest.mark.parametrize("scale", [0.7, 1.5, 6.0])
def test_alignment_moves_the_five_points_of_a_picture_to_the_template(
    angle: float, scale: float, crop: Crop
) -> None:
    matrix = cv2.getRotationMatrix2D((crop.side / 2, crop.side / 2), angle, scale)
    matrix[:, 2] += 400
    points = (crop.template @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    image = np.zeros((900, 900, 3), np.uint8)
    for x, y in points:
        spot, radius = (round(x * 16), round(y * 16)), round(4 * scale * 16)
        cv2.circle(image, spot, radius, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
    face = align(image, points, crop)
    assert face.shape == (crop.side, crop.side, 3)
    pixels = np.stack(np.meshgrid(np.arange(crop.side), np.arange(crop.side)), -1).astype(float)
    for point in crop.template:
        near = np.hypot(*(pixels - point).transpose(2, 0, 1)) < 10
        centre = np.average(pixels[near], axis=0, weights=face[near, 0])
        np.testing.assert_allclose(centre, point, atol=0.1)


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255
    face = align(stripes, TEMPLATE * 15 + 100, ARCFACE)
    assert abs(face.astype(int) - 127).max() < 20


# ResNet-29


def test_resnet29_computes_the_same_as_face_api(files: list[Path]) -> None:
    """The expected numbers are every sixteenth of those that the package of the weights gives under node.

    With @vladmandic/face-api 1.7.15 and @tensorflow/tfjs 4 (as tfjs-node), on its backend cpu:
    `net = new FaceRecognitionNet(); net.loadFromWeightMap(tf.io.decodeWeights(bin, manifest)); `
    `net.forwardInput(new NetInput([pixels]))`, with `mean + (pixels - mean) * 255 / 256` as pixels. face-api
    divides by 255, dlib itself by 256.
    """
    row, column, channel = np.mgrid[:150, :150, :3]
    pixels = ((7 * row + 13 * column + 29 * channel) % 64 * 4).astype(np.float32)
    (vector,) = resnet29(*files)(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
    np.testing.assert_allclose(vector[::16], FACE_API, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("conv64_2/conv1/scale/weights", "conv64_2/conv1/scale/weight", r"Missing key.*conv64_2\.conv1"),
        ("conv32_down", "conv33_down", r"Unexpected key.*conv33_down"),
        ('"fc"', '"fd"', r"Missing key.*fc\.weight"),
    ],
)
def test_the_error_names_a_tensor_that_is_missing_or_unknown(
    files: list[Path], tmp_path: Path, old: str, new: str, fault: str
) -> None:
    other = tmp_path / "other.json"
    other.write_text(files[0].read_text().replace(old, new))
    with pytest.raises(RuntimeError, match=f"(?s){fault}"):
        resnet29(other, files[1])


def test_the_error_names_a_file_that_is_too_short(files: list[Path], tmp_path: Path) -> None:
    short = tmp_path / "short.bin"
    short.write_bytes(files[1].read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"short\.bin: 6444031 bytes"):
        resnet29(files[0], short)


# AuraFace


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .onnx file with the operators, input and output of AuraFace, and small random weights."""
    random = np.random.default_rng(0)
    tensors = []

    def constant(name: str, *shape: int) -> str:
        values = np.abs(random.normal(scale=0.1, size=shape)).astype(np.float32)
        tensors.append(numpy_helper.from_array(values, name))
        return name

    def normalise(before: str, after: str, width: int) -> onnx.NodeProto:
        names = [constant(f"{after}.{part}", width) for part in ("gain", "shift", "mean", "variance")]
        return helper.make_node("BatchNormalization", [before, *names], [after], epsilon=2e-5)

    first = [constant("conv1.weight", 8, 3, 3, 3), constant("conv1.bias", 8)]
    nodes = [
        helper.make_node("Conv", ["input.1", *first], ["1"], strides=[4, 4], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["1", constant("slope", 8, 1, 1)], ["2"]),
        normalise("2", "3", 8),
        helper.make_node("Conv", ["3", constant("conv2.weight", 8, 8, 3, 3)], ["4"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["4", "2"], ["5"]),
        helper.make_node("Flatten", ["5"], ["6"]),
        helper.make_node(
            "Gemm", ["6", constant("fc.weight", 512, 6272), constant("fc.bias", 512)], ["7"], transB=1
        ),
        normalise("7", "1333", 512),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("1333", TensorProto.FLOAT, ["N", 512])],
        tensors,
    )
    file = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), file)
    return file


def test_the_torch_module_and_the_compiled_network_give_the_same_as_onnxruntime(tiny: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    session = onnxruntime.InferenceSession(tiny, providers=["CPUExecutionProvider"])
    faces, mirrored = (
        array.transpose(0, 3, 1, 2) / np.float32(127.5) - 1 for array in (pixels, pixels[:, :, ::-1])
    )
    plain, other = (session.run(None, {"input.1": array})[0] for array in (faces, mirrored))

    module = auraface(tiny)(torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32)))
    np.testing.assert_allclose(module.numpy(), plain, rtol=1e-3, atol=1e-3)

    found = {"auraface.onnx": Found(tiny, "model folder", "0" * 64)}
    weights = Weights(profile="standard", files=found, random=True, derived_dir=tiny.parent)
    vectors = FaceEmbedder.load(weights, "cpu").embed(list(pixels))
    expected = (plain + other) / np.linalg.norm(plain + other, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


# Similarity


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(cosines=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_similarity_rises_with_the_cosine_and_is_a_half_at_the_boundary(
    kind: Kind, cosines: tuple[float, float]
) -> None:
    low, high = sorted(cosines)
    assert 0 <= kind.similarity(low) <= kind.similarity(high) <= 1
    assert kind.similarity(kind.boundary) == 0.5
    assert kind.similarity(1) > 0.99
    assert kind.similarity(kind.boundary - 0.3) < 0.01
