"""Tests of face_comparison over its API, with real faces and the real weights."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from containers.face_comparison.embedding import FaceEmbedder, align
from containers.face_detection.detector import FaceDetector
from serving.arrays import Pixels
from serving.codec import Codec
from serving.errors import InvalidRequest
from serving.feature import find
from serving.http import Json
from serving.images.intake import Media
from serving.weights import Weights
from tests.support.ask import Ask, weights_of
from tests.support.paths import SHARED

FEATURE = find("face_comparison")
PHOTO = FEATURE.example["request"]["img"]
PEOPLE = SHARED / "images" / "faces_lfw_aligned"

Compare = Callable[..., list[tuple[int, Json]]]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(FEATURE)


@pytest.fixture(scope="module")
def detector(weights: Weights) -> FaceDetector:
    return FaceDetector.load(weights, "cpu")


@pytest.fixture(scope="module")
def embedder(weights: Weights) -> FaceEmbedder:
    return FaceEmbedder.load(weights, "cpu")


@pytest.fixture
def compare(ask: Ask, weights: Weights) -> Compare:
    """A function that sends requests concurrently and returns status and body of each response."""

    def call(*requests: Json) -> list[tuple[int, Json]]:
        replies = ask(FEATURE, *map(msgspec.json.encode, requests))
        return [(reply.status, msgspec.json.decode(reply.body)) for reply in replies]

    return call


def encoded(image: Pixels) -> str:
    return base64.b64encode(cv2.imencode(".png", image[..., ::-1])[1].tobytes()).decode()


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return Media().decode(base64.b64decode(PHOTO))


BLANK = encoded(np.full((64, 64, 3), 200, np.uint8))


# One image


def test_a_face_becomes_a_unit_vector_padded_with_zeros(compare: Compare) -> None:
    ((status, body),) = compare({"img": PHOTO})
    assert status == 200
    (face,) = body["Faces"]
    vector, dimensions = np.array(face["face_hash"]), body["embedding_dim"]
    assert len(vector) == 768
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
    assert not vector[dimensions:].any()
    assert vector[:dimensions].all()


def test_the_scalar_product_of_two_vectors_is_the_cosine_of_their_embeddings(
    compare: Compare, detector: FaceDetector, embedder: FaceEmbedder, photo: Pixels
) -> None:
    small = np.asarray(cv2.resize(photo, (300, 300), interpolation=cv2.INTER_AREA), np.uint8)
    replies = compare({"img": encoded(photo)}, {"img": encoded(small)})
    first, second = (np.array(body["Faces"][0]["face_hash"]) for _, body in replies)
    found = detector.detect([photo, small])
    crop = embedder.kind.crop
    faces = [align(image, each[0].points, crop) for image, each in zip((photo, small), found, strict=True)]
    one, other = embedder.embed(faces)
    assert first @ second == pytest.approx(float(one @ other), abs=1e-3)
    assert embedder.embed([]) == []


def test_a_mirrored_face_has_the_same_vector(embedder: FaceEmbedder) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (2, 150, 150, 3), np.uint8)
    plain, mirrored = embedder.embed(list(faces)), embedder.embed(list(faces[:, :, ::-1]))
    np.testing.assert_allclose(plain, mirrored, atol=1e-4)


def test_an_image_without_a_face_gives_an_empty_list(compare: Compare) -> None:
    ((status, body),) = compare({"img": BLANK})
    assert (status, body["Faces"]) == (200, [])


# Two images


def test_a_face_is_similar_to_its_small_rotated_grey_copy(compare: Compare, photo: Pixels) -> None:
    turned = cv2.warpAffine(photo, cv2.getRotationMatrix2D((256, 256), 20, 0.4), (512, 512))
    grey = cv2.cvtColor(cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    ((status, body),) = compare({"img_1": PHOTO, "img_2": encoded(np.asarray(grey, np.uint8))})
    assert status == 200
    assert body["similarity"] > 0.95
    first, second = (face["BoundingBox"] for face in body["Faces"])
    assert second["Width"] < 0.6 * first["Width"]
    assert second["Height"] < 0.6 * first["Height"]


def test_the_pair_does_not_depend_on_the_order(compare: Compare) -> None:
    files = [base64.b64encode(file.read_bytes()).decode() for file in people()[:2]]
    forth, back = compare({"img_1": files[0], "img_2": files[1]}, {"img_1": files[1], "img_2": files[0]})
    assert forth[1]["similarity"] == pytest.approx(back[1]["similarity"], abs=1e-4)
    assert forth[1]["Faces"] == back[1]["Faces"][::-1]


def test_the_most_similar_pair_of_many_faces_is_compared(compare: Compare, photo: Pixels) -> None:
    stranger = Media().decode(people()[0].read_bytes())
    group = np.zeros((512, 1024, 3), np.uint8)
    group[:, 512:] = photo
    group[100:400, 100:400] = cv2.resize(stranger, (300, 300))
    alone, (_, found), (_, both) = compare(
        {"img_1": encoded(stranger), "img_2": PHOTO},
        {"img_1": PHOTO, "img_2": encoded(group)},
        {"img": encoded(group)},
    )
    assert len(both["Faces"]) == 2
    assert alone[1]["similarity"] < 0.2
    assert found["similarity"] > 0.95
    assert found["Faces"][1]["BoundingBox"]["Left"] > 0.5


def people() -> list[Path]:
    """Returns two pictures of each of forty people, sorted by name."""
    if not PEOPLE.is_dir():
        pytest.skip(f"no pictures of people: {PEOPLE} does not exist")
    return sorted(PEOPLE.iterdir())


def test_most_people_are_most_similar_to_themselves(detector: FaceDetector, embedder: FaceEmbedder) -> None:
    files = people()[:32]
    images = [Media().decode(file.read_bytes()) for file in files]
    found = detector.detect(images)
    assert all(found)
    crop = embedder.kind.crop
    faces = [align(image, each[0].points, crop) for image, each in zip(images, found, strict=True)]
    vectors = np.stack(embedder.embed(faces))
    cosines = vectors @ vectors.T - 2 * np.eye(len(files))
    names = np.array([file.stem.rpartition("_")[0] for file in files])
    assert (names[cosines.argmax(1)] == names).mean() > 0.9


# Errors


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        ({"img_1": PHOTO}, 400, "url_2, img_2: one of the two is required"),
        ({"img_2": PHOTO}, 400, "url_1, img_1: one of the two is required"),
        (
            {"img": PHOTO, "img_1": PHOTO, "img_2": PHOTO},
            400,
            "url, img: not together with url_1, img_1, url_2, img_2",
        ),
        ({"img_1": PHOTO, "img_2": BLANK}, 422, "img_2: no face"),
        ({"img_1": BLANK, "img_2": BLANK}, 422, "img_1: no face"),
        ({"img_1": PHOTO, "img_2": "AAAA"}, 422, "img_2: unknown, readable are JPEG, PNG, BMP, WEBP"),
    ],
)
def test_the_error_names_the_field_of_a_wrong_pair(
    compare: Compare, request_: Json, status: int, detail: str
) -> None:
    ((found, body),) = compare(request_)
    assert (found, body["detail"]) == (status, detail)


def test_the_error_names_a_second_image_that_is_not_base64() -> None:
    with pytest.raises(InvalidRequest, match=r"img_2: not base64"):
        Codec(FEATURE).decode(b'{"img_1": "AAAA", "img_2": "?"}', "application/json")


# Batches


def test_a_batch_gives_the_same_responses_as_its_requests_one_by_one(compare: Compare) -> None:
    requests = [
        {"img": PHOTO},
        {"img_1": PHOTO, "img_2": BLANK},
        {"img": BLANK},
        {"img_1": PHOTO, "img_2": PHOTO},
    ]
    alone = [compare(request)[0] for request in requests]
    for (status, body), (expected_status, expected) in zip(compare(*requests), alone, strict=True):
        assert status == expected_status
        assert approximate({**body, "request_id": ""}) == approximate({**expected, "request_id": ""})


def approximate(value: Any) -> Any:
    """Returns the value with numbers that compare equal when they differ by at most 0.001."""
    match value:
        case dict():
            return {key: approximate(item) for key, item in value.items()}
        case list():
            return [approximate(item) for item in value]
        case float():
            return pytest.approx(value, abs=1e-3)
    return value
