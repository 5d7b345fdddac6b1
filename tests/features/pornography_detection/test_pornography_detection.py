"""Tests of pornography detection with its real weights."""

import io
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from benchmarks.data.composites import photograph
from containers.pornography_detection.classifier import MOBILENET, Classifier
from serving.arrays import Array, Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import Weights
from tests.support.ask import Ask, weights_of
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


# Scores of harmless images


@pytest.mark.parametrize("name", BENIGN)
def test_photographs_of_scikit_image_are_normal(classifier: Classifier, name: str) -> None:
    assert normal(classifier, photograph(name)) > 0.9


def test_photographs_of_scikit_image_are_normal_for_the_profile_large() -> None:
    large = Classifier.load(
        weights_of(FEATURE, msgspec.structs.replace(Settings.read(), profile="large")), "cpu"
    )
    assert large.kind.version == "nsfwjs-inception-v3/1"
    assert min(normal(large, photograph(name)) for name in BENIGN) > 0.8


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
