"""Tests of human_attribute_recognition with the real person detector and a random SigLIP 2."""

import base64
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image as Picture

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Language
from containers.human_attribute_recognition.people import Limits
from containers.human_attribute_recognition.siglip.recogniser import Recogniser
from serving.adapters.in_process import SyncService
from serving.arrays import Pixels
from serving.codec import JSON
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve
from tests.support.ask import weights_of
from tests.support.networks import tiny_siglip
from tests.support.paths import ROOT

FEATURE = find("human_attribute_recognition")
KEYS = [one.key for one in ATTRIBUTES]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a service with the random SigLIP 2 and the real weights of the detector."""
    tiny = tiny_siglip.write(tmp_path_factory.mktemp("tiny"))
    settings = Settings.read(profile="standard", model_dir=str(tiny), device="cpu")
    weights_of(FEATURE, settings)
    return settings


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[SyncService]:
    service = SyncService(FEATURE, settings)
    yield service
    service.close()


@pytest.fixture(scope="module")
def recogniser(settings: Settings) -> Recogniser:
    return Recogniser.load(resolve(FEATURE, settings), "cpu")


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return Media().decode((FEATURE.folder / "example.jpg").read_bytes())


def test_the_labels_are_in_the_requested_language_and_the_percentages_are_the_same(
    service: SyncService,
) -> None:
    percentages = {}
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        reply = response_to(service, FEATURE.example["request"] | {"language": language})
        assert reply["LabelModelVersion"] == "nanodet-g+siglip2-base-patch16-224/1"
        (person,) = reply["Labels"]
        assert list(person) == [*KEYS, "BoundingBox", "Confidence"]
        assert [list(person[key]) for key in KEYS] == [one.labels(language) for one in ATTRIBUTES]
        percentages[language] = [list(person[key].values()) for key in KEYS]
    assert percentages["zh"] == percentages["en"]
    for shares in percentages["zh"]:
        assert sum(shares) == pytest.approx(100, abs=0.05)


def test_an_image_without_people_gives_an_empty_list(service: SyncService) -> None:
    assert response_to(service, {"img": png(np.full((80, 60, 3), 200, np.uint8))})["Labels"] == []


def test_a_request_limits_the_number_of_people_and_their_confidence(service: SyncService) -> None:
    request = FEATURE.example["request"]
    many = response_to(service, request | {"min_confidence": 0.1})["Labels"]
    sure = [person["Confidence"] for person in many]
    assert len(sure) > 1
    assert sure == sorted(sure, reverse=True)
    assert response_to(service, request | {"min_confidence": 0.1, "max_people": 1})["Labels"] == many[:1]
    assert response_to(service, request | {"min_confidence": 1})["Labels"] == []


def test_a_batch_gives_the_same_people_as_its_images_one_by_one(
    recogniser: Recogniser, astronaut: Pixels
) -> None:
    images = [
        astronaut,
        np.zeros((40, 40, 3), np.uint8),
        astronaut[:, ::-1].copy(),
        astronaut[::2, ::2].copy(),
    ]
    limits = [Limits(20, 0.1), Limits(20, 0.5), Limits(1, 0.3), Limits(20, 0.4)]
    together = recogniser.recognise(images, limits)
    alone = [recogniser.recognise([image], [one])[0] for image, one in zip(images, limits, strict=True)]
    assert [len(found) for found in together] == [len(found) for found in alone]
    assert [bool(found) for found in together] == [True, False, True, True]
    for left, right in zip(chain(*together), chain(*alone), strict=True):
        assert left.box == pytest.approx(right.box, abs=0.5)
        assert list(chain(*left.scores)) == pytest.approx(list(chain(*right.scores)), abs=0.1)


def test_no_images_give_no_people(recogniser: Recogniser) -> None:
    assert recogniser.recognise([], []) == []


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        ("standard", ["no nanodet.json", "licence Apache-2.0", "aikit pull", "--profile standard"]),
        ("large", ["no profile 'large'", "there is lite, standard", "--profile"]),
    ],
)
def test_a_container_without_weights_ends_with_a_message_of_one_line(
    profile: str, parts: list[str], tmp_path: Path, settings: Settings
) -> None:
    registry = {"npm_config_registry": "http://127.0.0.1:1", "npm_config_fetch_retries": "0"}
    nowhere = registry | {"AIKIT_CACHE_DIR": str(tmp_path), "npm_config_cache": str(tmp_path)}
    command = [sys.executable, "-m", "aikit", "serve", FEATURE.name, "--profile", profile, "--port", "0"]
    done = subprocess.run(
        command, env=os.environ | nowhere, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == os.EX_CONFIG
    (line,) = done.stderr.splitlines()
    assert all(part in line for part in (FEATURE.name, *parts))


def response_to(service: SyncService, request: dict[str, object]) -> dict[str, Any]:
    reply = service.invoke(msgspec.json.encode(request), JSON)
    assert reply.status == 200, reply.body
    body: dict[str, Any] = msgspec.json.decode(reply.body)
    return body


def png(image: Pixels) -> str:
    packed = io.BytesIO()
    Picture.fromarray(image).save(packed, "png")
    return base64.b64encode(packed.getvalue()).decode()
