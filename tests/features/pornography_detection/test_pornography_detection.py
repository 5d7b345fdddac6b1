"""Tests of pornography detection with its real weights, and of their conversion from TensorFlow.js."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from benchmarks.data.composites import photograph
from containers.pornography_detection import importer
from containers.pornography_detection.classifier import MOBILENET, Classifier
from containers.pornography_detection.feature import LAYERS, NUMBERS
from containers.pornography_detection.networks.mobilenet_v2 import mobilenet_v2
from serving.arrays import Array, Floats, Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.weights import Weights
from serving.weights.tensorflow_js import tensors
from tests.support.ask import Ask, weights_of
from tests.support.networks.layers_model import outputs
from tests.support.paths import SHARED

FEATURE = find("pornography_detection")
BENIGN = (
    "astronaut",
    "brick",
    "camera",
    "cat",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "moon",
    "page",
    "rocket",
)
KERAS = [0.8525861, 0.0251071, 0.1134273, 0.0073989, 0.0014806]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(FEATURE)


@pytest.fixture(scope="module")
def classifier(weights: Weights) -> Classifier:
    return Classifier.load(weights, "cpu")


@pytest.fixture
def classify(ask: Ask, weights: Weights) -> Any:
    """A function that sends one encoded image and returns the reply."""

    def of(content: bytes, **options: object) -> dict[str, Any]:
        body = msgspec.json.encode({"img": content, **options})  # bytes become base64
        (reply,) = ask(FEATURE, body)
        assert reply.status == 200, reply.body
        found: dict[str, Any] = msgspec.json.decode(reply.body)
        return found

    return of


def png(pixels: Array, **options: Any) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "png", **options)
    return packed.getvalue()


# From TensorFlow.js to torch


@pytest.fixture(scope="module")
def images() -> Floats:
    """Three images, (3, 224, 224, 3) in 0..1: a photograph, noise, and one colour."""
    pixels = (
        cv2.resize(photograph("astronaut"), (224, 224), interpolation=cv2.INTER_AREA),
        np.random.default_rng(0).integers(0, 256, (224, 224, 3)),
        np.full((224, 224, 3), (224, 172, 140)),
    )
    return np.asarray(np.stack(pixels) / 255, np.float32)


@pytest.fixture(scope="module")
def imported(weights: Weights, images: Floats) -> Floats:
    """The probabilities that the torch network gives for the images."""
    network = mobilenet_v2(importer.imported(weights[LAYERS.name], weights[NUMBERS.name]))
    found: Floats = network(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    return found


def test_the_network_equals_its_own_graph(weights: Weights, images: Floats, imported: Floats) -> None:
    topology = json.loads(weights[LAYERS.name].read_bytes())["modelTopology"]["model_config"]["config"]
    values = tensors(weights[LAYERS.name], weights[NUMBERS.name])
    np.testing.assert_allclose(imported, outputs(topology, values, images), atol=1e-5)


def test_the_network_equals_keras(imported: Floats) -> None:
    """Keras 2.21 on TensorFlow 2.21 gave the expected values for the last image, which needs no decoder."""
    np.testing.assert_allclose(imported[2], KERAS, atol=1e-5)


def test_imported_tensors_are_cached_as_safetensors(
    weights: Weights, images: Floats, imported: Floats, tmp_path: Path
) -> None:
    own = replace(weights, derived_dir=tmp_path)
    square = (255 * images[0]).round().astype(np.uint8)
    for _ in range(2):
        (found,) = Classifier.load(own, "cpu-eager").classify([square])
        np.testing.assert_allclose(found, imported[0], atol=1e-5)
    (file,) = tmp_path.rglob("*.safetensors")
    save_file({name: np.zeros_like(array) for name, array in load_file(file).items()}, file)
    (found,) = Classifier.load(own, "cpu-eager").classify([square])
    np.testing.assert_allclose(found, 1 / 5, atol=1e-6)  # zeros give equal classes: the copy was read


def test_a_file_that_is_too_short_is_refused_with_its_name(weights: Weights, tmp_path: Path) -> None:
    short = tmp_path / "short.bin"
    short.write_bytes(weights[NUMBERS.name].read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"short\.bin: 2619460 bytes, but .* ends at 2619461"):
        importer.imported(weights[LAYERS.name], short)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "block_3_expand_BN/gamma",
            "block_3_expand_BN/delta",
            "no tensor block_3_expand_BN/gamma",
        ),
        ("dense_2/kernel", "dense_9/kernel", "no tensor dense_9/bias"),
        ("dense_2/", "dense_9/", r"dense_2\.weight"),
        ("Conv1/kernel", "Conv1/core", "Conv1/core does not belong to a layer with a kernel"),
    ],
)
def test_a_file_of_another_network_is_refused_with_a_tensor_named(
    weights: Weights, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    other = tmp_path / "other.json"
    other.write_text(weights[LAYERS.name].read_text().replace(f'"{old}', f'"{new}'))
    with pytest.raises((ValueError, RuntimeError), match=fault):
        mobilenet_v2(importer.imported(other, weights[NUMBERS.name]))


# Scores of harmless images


@pytest.mark.parametrize("name", BENIGN)
def test_photographs_of_scikit_image_are_normal(classifier: Classifier, name: str) -> None:
    assert normal(classifier, photograph(name)) > 0.9


def test_photographs_of_streets_landscapes_and_texts_are_normal(classifier: Classifier) -> None:
    if not (SHARED / "images").is_dir():
        pytest.skip(f"no real photographs: {SHARED / 'images'} does not exist")
    files = sorted(
        file
        for folder in ("images/objects", "images/ocr", "training/photos")
        for file in (SHARED / folder).glob("*.jpg")
    )
    assert len(files) > 20
    unsure = {file.name for file in files if normal(classifier, Media().decode(file.read_bytes())) < 0.5}
    assert unsure == set()


def test_portraits_are_normal(classifier: Classifier) -> None:
    files = sorted((SHARED / "images" / "faces_lfw_aligned").glob("*.jpg"))
    if not files:
        pytest.skip("no real portraits")
    found = [normal(classifier, Media().decode(file.read_bytes())) for file in files]
    assert np.mean(np.array(found) >= 0.5) > 0.97


@pytest.mark.parametrize("tone", [(255, 224, 196), (224, 172, 140), (141, 85, 36), (60, 40, 30)])
def test_an_image_of_one_skin_colour_is_normal(classifier: Classifier, tone: tuple[int, int, int]) -> None:
    assert normal(classifier, np.full((300, 200, 3), tone, np.uint8)) > 0.8


def normal(classifier: Classifier, image: Pixels) -> float:
    (found,) = classifier.classify([classifier.squeezed(image)])
    return classifier.kind.total("normal", found)


def test_a_batch_gives_the_same_as_its_images_alone(classifier: Classifier) -> None:
    squares = [classifier.squeezed(photograph(name)) for name in BENIGN]
    together = classifier.classify(squares)
    np.testing.assert_allclose(together.sum(1), 1)
    alone = np.concatenate([classifier.classify([square]) for square in squares])
    np.testing.assert_allclose(together, alone, atol=1e-5)


# Requests and replies


def test_the_reply_has_three_scores_and_more_only_on_request(classify: Any) -> None:
    content = (FEATURE.folder / "example.jpg").read_bytes()
    brief, full = classify(content), classify(content, detail=True)
    assert list(brief) == ["normal", "sexy", "porn"]
    assert sum(brief.values()) == pytest.approx(1)
    assert full == brief | {"classes": full["classes"], "model_version": "nsfwjs-mobilenet-v2/1"}
    own = full["classes"]
    assert list(own) == list(MOBILENET.classes)
    assert brief["normal"] == pytest.approx(own["drawing"] + own["neutral"])
    assert brief["sexy"] == own["sexy"]
    assert brief["porn"] == pytest.approx(own["porn"] + own["hentai"])


@pytest.mark.parametrize("shape", [(2, 2), (2, 4096), (1000, 3)])
def test_images_of_any_size_are_answered(classify: Any, shape: tuple[int, int]) -> None:
    assert sum(classify(png(np.full(shape, 200, np.uint8))).values()) == pytest.approx(1)


def test_a_photograph_stored_on_its_side_is_turned_first(classify: Any) -> None:
    upright = photograph("coffee")
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it clockwise
    lying = png(np.ascontiguousarray(np.rot90(upright)), exif=exif)
    assert classify(lying) == classify(png(upright))


def test_a_grey_image_equals_one_with_three_equal_channels(classify: Any) -> None:
    grey = photograph("camera")
    assert classify(png(grey[..., 0].copy())) == classify(png(grey))


def test_transparent_pixels_are_white(classify: Any) -> None:
    clear = np.dstack((photograph("cat"), np.zeros((300, 451), np.uint8)))
    assert classify(png(clear)) == classify(png(np.full((300, 451, 3), 255, np.uint8)))


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        (b'{"img": "!"}', 400, "img"),
        (b'{"img": "", "detail": 1}', 400, "detail"),
        (b'{"img": "R0lGODlh"}', 422, "img: GIF"),
        (b'{"img": "/9j/"}', 422, "img: damaged image"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field_named(
    ask: Ask, weights: Weights, body: bytes, status: int, fault: str
) -> None:
    (reply,) = ask(FEATURE, body)
    assert reply.status == status
    assert fault in msgspec.json.decode(reply.body)["detail"]
