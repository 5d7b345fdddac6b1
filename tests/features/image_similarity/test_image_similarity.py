"""Tests of image similarity as callers see it, with the bundled descriptor."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from benchmarks.data.changes import CHANGES, cropped
from benchmarks.data.composites import photograph
from containers.image_similarity.embedder import Embedder
from serving.arrays import Pixels
from serving.embeddings import cosine
from serving.feature import find
from serving.http import Json
from serving.settings import Settings
from serving.weights import resolve
from tests.support.ask import Ask

FEATURE = find("image_similarity")
EXAMPLE, COPY = (
    base64.b64encode((FEATURE.folder / name).read_bytes()).decode() for name in ("example.jpg", "copy.jpg")
)
INVARIANT = [
    "nothing",
    "turned by 90 degrees",
    "turned by 180 degrees",
    "mirrored",
    "upside down",
    "grey",
    "darker",
]
NEAR = [
    *("crop to 90% of each side", "turned by 5 degrees", "JPEG quality 30", "blurred", "noise"),
    *("a quarter of the size", "squeezed to 70 % of the height", "line of text", "other hue"),
]

Call = Callable[..., list[tuple[int, Json]]]


@pytest.fixture
def call(ask: Ask) -> Call:
    """A function that sends requests concurrently and returns the status and body of each reply."""

    def of(*requests: Json) -> list[tuple[int, Json]]:
        replies = ask(FEATURE, *map(msgspec.json.encode, requests))
        return [(reply.status, msgspec.json.decode(reply.body)) for reply in replies]

    return of


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load(resolve(FEATURE, Settings.read(profile="lite")), "cpu")


def cosine_of(embedder: Embedder, first: Pixels, second: Pixels) -> float:
    """Returns the cosine similarity of two images."""
    views = [embedder.view(np.ascontiguousarray(image)) for image in (first, second)]
    return cosine(*embedder.embed(views))


def encoded(image: Pixels | Image.Image, kind: str = "png") -> str:
    packed = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(packed, kind)
    return base64.b64encode(packed.getvalue()).decode()


def test_the_default_profile_needs_neither_cache_nor_network(tmp_path: Path) -> None:
    weights = resolve(FEATURE, Settings.read({}, cache_dir=tmp_path))
    assert {found.place for found in weights.files.values()} == {"package"}


# Requests with one image


def test_the_reply_to_one_image_is_a_unit_vector_and_the_model_version(call: Call) -> None:
    ((status, body),) = call({"img": EXAMPLE})
    assert (status, list(body)) == (200, ["result", "ModelVersion"])
    assert len(body["result"]) == 512
    assert np.linalg.norm(body["result"]) == pytest.approx(1, abs=1e-4)
    assert all(number == round(number, 6) for number in body["result"])


def test_the_scalar_product_of_two_vectors_is_the_cosine_of_the_pair(call: Call) -> None:
    (_, first), (_, second), (_, pair) = call(
        {"img": EXAMPLE}, {"img": COPY}, {"img_1": EXAMPLE, "img_2": COPY, "detail": True}
    )
    assert np.dot(first["result"], second["result"]) == pytest.approx(pair["cosine"], abs=1e-4)


# Requests with two images


def test_the_reply_to_a_pair_is_a_similarity_and_on_request_the_cosine(call: Call) -> None:
    pair = {"img_1": EXAMPLE, "img_2": COPY}
    (_, plain), (_, detailed) = call(pair, pair | {"detail": True})
    assert list(plain) == ["similarity", "ModelVersion"]
    assert detailed["similarity"] == pytest.approx((1 + detailed["cosine"]) / 2, abs=1e-6)
    assert plain["similarity"] == round(plain["similarity"], 6)


def test_the_example_of_a_pair_is_answered_as_declared(call: Call) -> None:
    example = FEATURE.example["others"]["pair"]
    ((_, body),) = call(example["request"])
    assert body == example["response"] | {
        key: pytest.approx(body[key], abs=0.005) for key in ("similarity", "cosine")
    }
    assert body["similarity"] == pytest.approx(example["response"]["similarity"], abs=0.005)


@pytest.mark.parametrize("shape", [(2, 2), (2, 4000), (300, 451)])
def test_an_image_has_similarity_1_to_itself(call: Call, shape: tuple[int, int]) -> None:
    image = encoded(np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8))
    ((_, body),) = call({"img_1": image, "img_2": image})
    assert body["similarity"] == 1.0


def test_transparent_pixels_are_white_and_grey_images_are_accepted(call: Call) -> None:
    square = np.zeros((60, 80, 4), np.uint8)
    square[20:40, 30:50, 3] = 255
    white = np.full((60, 80), 255, np.uint8)
    white[20:40, 30:50] = 0
    ((_, body),) = call({"img_1": encoded(square), "img_2": encoded(white)})
    assert body["similarity"] == 1.0


def test_an_address_may_be_compared_with_an_image(call: Call) -> None:
    """The refusal names the address, which shows that the address was used."""
    ((status, body),) = call({"url_1": "ftp://example.org/a.png", "img_2": EXAMPLE})
    assert (status, body["detail"].partition(":")[0]) == (422, "url_1")


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_two_images_have_a_symmetric_similarity_in_its_range(
    embedder: Embedder, data: st.DataObject
) -> None:
    sides = st.integers(2, 40)
    first, second = (
        data.draw(arrays(np.uint8, st.tuples(sides, sides, st.just(3)), elements=st.integers(0, 255)))
        for _ in range(2)
    )
    forth, back = cosine_of(embedder, first, second), cosine_of(embedder, second, first)
    assert -1 <= forth <= 1
    assert forth == pytest.approx(back, abs=1e-4)
    assert cosine_of(embedder, first, first) == 1.0


# Near-duplicates


@pytest.mark.parametrize("name", INVARIANT)
def test_changes_that_the_descriptor_ignores_keep_the_cosine_near_1(embedder: Embedder, name: str) -> None:
    image = photograph("chelsea")
    assert cosine_of(embedder, image, CHANGES[name](image)) > 0.99


@pytest.mark.parametrize("name", NEAR)
def test_a_changed_photograph_is_nearer_to_its_original_than_to_any_other(
    embedder: Embedder, name: str
) -> None:
    images = [photograph(other) for other in ("chelsea", "coffee", "astronaut", "rocket")]
    own, *others = (cosine_of(embedder, CHANGES[name](images[0]), image) for image in images)
    assert own > 0.6
    assert max(others) < own - 0.15


def test_the_cosine_falls_as_more_is_cropped(embedder: Embedder) -> None:
    image = photograph("coffee")
    found = [cosine_of(embedder, image, cropped(image, share)) for share in (1, 0.9, 0.7, 0.5)]
    assert found == sorted(found, reverse=True)


# Errors

BIG = base64.b64encode(bytes(20 * 2**20 + 1)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(20)).decode()


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        ({}, 400, "url, img: one of the two is required"),
        ({"img_1": EXAMPLE}, 400, "url_2, img_2: one of the two is required"),
        ({"img_2": EXAMPLE}, 400, "url_1, img_1: one of the two is required"),
        (
            {"img": EXAMPLE, "img_1": EXAMPLE, "img_2": EXAMPLE},
            400,
            "url, img: not together with url_1, img_1, url_2, img_2",
        ),
        ({"img": EXAMPLE, "detail": "yes"}, 400, "detail"),
        ({"img_1": EXAMPLE, "img_2": "?"}, 400, "img_2: not base64"),
        ({"img_1": EXAMPLE, "img_2": BIG}, 413, "img_2: 20971521 bytes, at most 20971520"),
        ({"img_1": GIF, "img_2": EXAMPLE}, 422, "img_1: GIF, readable are JPEG, PNG, BMP, WEBP"),
        (
            {"img": encoded(np.zeros((2, 4097, 3), np.uint8))},
            422,
            "img: 4097x2 px, longest side at most 4096",
        ),
        ({"img": encoded(np.zeros((1, 9, 3), np.uint8))}, 422, "img: 9x1 px, shortest side at least 2"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field_named(
    call: Call, request_: Json, status: int, detail: str
) -> None:
    ((found, body),) = call(request_)
    assert (found, body["detail"][: len(detail)]) == (status, detail)


def test_another_content_type_is_refused(ask: Ask) -> None:
    (reply,) = ask(FEATURE, b"<img/>", content_type="text/html")
    assert reply.status == 415


# Batches


def test_a_batch_of_single_images_and_pairs_answers_as_each_alone(call: Call) -> None:
    requests: list[Json] = [
        {"img": EXAMPLE},
        {"img_1": EXAMPLE, "img_2": COPY},
        {"img": GIF},
        {"img": COPY},
        {"img_1": COPY, "img_2": COPY},
    ]
    alone = [call(request)[0] for request in requests]
    for (status, body), (expected_status, expected) in zip(call(*requests), alone, strict=True):
        assert status == expected_status
        assert body.get("result", []) == pytest.approx(expected.get("result", []), abs=1e-4)
        assert body.get("similarity") == pytest.approx(expected.get("similarity"), abs=1e-4)
