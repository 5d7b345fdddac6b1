"""Tests of alignment with generated points, and of the networks against their original graphs."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from containers.face_comparison.embedding import (
    KINDS,
    SIDE,
    TEMPLATE,
    FaceEmbedder,
    Kind,
    align,
    similarity_transform,
)
from containers.face_comparison.networks.auraface import auraface
from containers.face_comparison.networks.mobileface import mobileface
from serving.arrays import Doubles, Floats
from serving.feature import find
from serving.settings import Settings
from serving.weights import mxnet_params
from serving.weights.store import Found, Weights
from tests.serving.weights.test_mxnet_params import packed
from tests.support.ask import weights_of

Operation = Callable[[list[Tensor], dict[str, str]], Tensor]

angles, scales, shifts = st.floats(-math.pi, math.pi), st.floats(0.05, 20), st.floats(-1000, 1000)


@pytest.fixture(scope="module")
def parameters() -> Path:
    """The path of MobileFace V2's .params file."""
    return weights_of(find("face_comparison"))["mobileface.params"]


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    """The graph of the same network as MXNet describes it."""
    file = (Settings.read().weights_mirror or Path()) / "mobileface_v2.json"
    if not file.is_file():
        pytest.skip(f"no graph to compare with: {file} does not exist")
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


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


@pytest.mark.parametrize("angle", [0, 30, 100, -170])
@pytest.mark.parametrize("scale", [0.7, 1.5, 6.0])
def test_alignment_moves_the_five_points_of_a_picture_to_the_template(angle: float, scale: float) -> None:
    matrix = cv2.getRotationMatrix2D((56, 56), angle, scale)
    matrix[:, 2] += 400
    points = (TEMPLATE @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    image = np.zeros((900, 900, 3), np.uint8)
    for x, y in points:
        spot, radius = (round(x * 16), round(y * 16)), round(4 * scale * 16)
        cv2.circle(image, spot, radius, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
    face = align(image, points)
    assert face.shape == (SIDE, SIDE, 3)
    pixels = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(float)
    for point in TEMPLATE:
        near = np.hypot(*(pixels - point).transpose(2, 0, 1)) < 10
        centre = np.average(pixels[near], axis=0, weights=face[near, 0])
        np.testing.assert_allclose(centre, point, atol=0.1)


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255
    face = align(stripes, TEMPLATE * 15 + 100)
    assert abs(face.astype(int) - 127).max() < 20


# MobileFace


def test_mobileface_computes_the_same_as_its_mxnet_graph(parameters: Path, graph: dict[str, Any]) -> None:
    faces = torch.rand(2, 3, SIDE, SIDE) * 255
    tensors = {
        name.partition(":")[2]: torch.tensor(array) for name, array in mxnet_params.read(parameters).items()
    }
    expected = evaluated(graph, {**tensors, "data": faces})
    torch.testing.assert_close(mobileface(parameters)(faces), expected, rtol=1e-3, atol=1e-3)


def evaluated(graph: dict[str, Any], tensors: dict[str, Tensor]) -> Tensor:
    """Evaluates the nodes of the graph in order and returns the last output."""
    values: list[Tensor] = []
    for node in graph["nodes"]:
        inputs = [values[index] for index, *_ in node["inputs"]]
        values.append(
            tensors[node["name"]]
            if node["op"] == "null"
            else OPERATIONS[node["op"]](inputs, node.get("attrs", {}))
        )
    return values[int(graph["heads"][0][0])]


def convolution(inputs: list[Tensor], attributes: dict[str, str]) -> Tensor:
    stride, padding = (int(attributes[key][1:].partition(",")[0]) for key in ("stride", "pad"))
    data, weight, *bias = inputs
    bias_or_none = bias[0] if bias else None
    groups = int(attributes.get("num_group", 1))
    return F.conv2d(data, weight, bias_or_none, stride, padding, groups=groups)


def norm(inputs: list[Tensor], _: dict[str, str]) -> Tensor:
    data, gamma, beta, mean, variance = inputs
    return F.batch_norm(data, mean, variance, gamma, beta, eps=1e-3)


def with_scalar(call: Callable[[Tensor, float], Tensor]) -> Operation:
    return lambda inputs, attributes: call(inputs[0], float(attributes["scalar"]))


OPERATIONS: dict[str, Operation] = {
    "Convolution": convolution,
    "BatchNorm": norm,
    "FullyConnected": lambda inputs, _: F.linear(*inputs),
    "Flatten": lambda inputs, _: inputs[0].flatten(1),
    "elemwise_add": lambda inputs, _: inputs[0] + inputs[1],
    "_minus_scalar": with_scalar(torch.sub),
    "_mul_scalar": with_scalar(torch.mul),
    "_maximum_scalar": with_scalar(lambda data, low: data.clamp(min=low)),
    "_minimum_scalar": with_scalar(lambda data, high: data.clamp(max=high)),
}


def test_the_error_names_a_tensor_that_is_missing_unknown_or_of_the_wrong_shape(
    parameters: Path, tmp_path: Path
) -> None:
    whole = mxnet_params.read(parameters)
    missing = {name: array for name, array in whole.items() if name != "aux:batchnorm7_moving_var"}
    wrong_shape = {**whole, "arg:fc5_weight": np.zeros((512, 2048), np.float32)}
    for content, fault in (
        (missing, r"Missing key.*blocks\.2.*running_var"),
        ({**whole, "arg:fc6_weight": np.zeros(1, np.float32)}, r"Unexpected key.*fc6\.weight"),
        (wrong_shape, r"size mismatch for head\.1\.weight"),
    ):
        file = tmp_path / "other.params"
        file.write_bytes(packed(content))
        with pytest.raises(RuntimeError, match=f"(?s){fault}"):
            mobileface(file)


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
    assert kind.similarity(-0.1) < 0.01
