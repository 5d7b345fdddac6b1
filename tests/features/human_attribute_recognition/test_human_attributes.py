"""Human attribute recognition as a whole: a random SigLIP 2 behind the real person detector."""

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
from containers.human_attribute_recognition.recogniser import Recogniser, Wanted
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
    """Of a service with the random SigLIP 2 and the detector's own weights."""
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
def people(settings: Settings) -> Recogniser:
    return Recogniser.load(resolve(FEATURE, settings), "cpu")


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return Media().decode((FEATURE.folder / "example.jpg").read_bytes())


def test_a_person_is_found_and_told_in_both_languages(service: SyncService) -> None:
    answers = {}
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        reply = asked(service, FEATURE.example["request"] | {"language": language})
        assert reply["LabelModelVersion"] == "fastestdet+siglip2-base-patch16-224/1"
        (person,) = reply["Labels"]
        assert list(person) == [*KEYS, "BoundingBox", "Confidence"]
        assert [list(person[key]) for key in KEYS] == [one.labels(language) for one in ATTRIBUTES]
        answers[language] = [list(person[key].values()) for key in KEYS]
    assert answers["zh"] == answers["en"]
    for shares in answers["zh"]:
        assert sum(shares) == pytest.approx(100, abs=0.05)


def test_the_example_tells_where_the_person_is(service: SyncService) -> None:
    """The rest of the example is what a network says that knows nothing; see the feature's README."""
    (person,) = asked(service, FEATURE.example["request"])["Labels"]
    (expected,) = FEATURE.example["response"]["Labels"]
    assert list(expected) == list(person)
    for key in ("BoundingBox", "upper_cut", "lower_cut"):
        assert person[key] == pytest.approx(expected[key], abs=0.02 if key == "BoundingBox" else 5)
    assert person["Confidence"] == pytest.approx(expected["Confidence"], abs=0.02)


def test_nobody_is_an_empty_list(service: SyncService) -> None:
    assert asked(service, {"img": png(np.full((80, 60, 3), 200, np.uint8))})["Labels"] == []


def test_the_caller_says_how_many_and_how_sure(service: SyncService) -> None:
    request = FEATURE.example["request"]
    many = asked(service, request | {"min_confidence": 0.1})["Labels"]
    sure = [person["Confidence"] for person in many]
    assert len(sure) > 1
    assert sure == sorted(sure, reverse=True)
    assert asked(service, request | {"min_confidence": 0.1, "max_people": 1})["Labels"] == many[:1]
    assert asked(service, request | {"min_confidence": 1})["Labels"] == []


def test_a_batch_answers_as_singles(people: Recogniser, astronaut: Pixels) -> None:
    images = [
        astronaut,
        np.zeros((40, 40, 3), np.uint8),
        astronaut[:, ::-1].copy(),
        astronaut[::2, ::2].copy(),
    ]
    wanted = [Wanted(20, 0.1), Wanted(20, 0.5), Wanted(1, 0.3), Wanted(20, 0.4)]
    together = people.recognise(images, wanted)
    alone = [people.recognise([image], [one])[0] for image, one in zip(images, wanted, strict=True)]
    assert [len(found) for found in together] == [len(found) for found in alone]
    assert [bool(found) for found in together] == [True, False, True, True]
    for left, right in zip(chain(*together), chain(*alone), strict=True):
        assert left.box == pytest.approx(right.box, abs=0.5)
        assert list(chain(*left.scores)) == pytest.approx(list(chain(*right.scores)), abs=0.1)


def test_no_images_are_fine(people: Recogniser) -> None:
    assert people.recognise([], []) == []


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        ("standard", ["no siglip2/config.json", "licence Apache-2.0", "aikit pull", "--profile standard"]),
        ("lite", ["no profile 'lite'", "there is standard", "--profile"]),
    ],
)
def test_without_weights_the_container_ends_with_one_clear_line(
    profile: str, parts: list[str], tmp_path: Path, settings: Settings
) -> None:
    nowhere = {"AIKIT_CACHE_DIR": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "aikit", "serve", FEATURE.name, "--profile", profile, "--port", "0"]
    done = subprocess.run(
        command, env=os.environ | nowhere, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == os.EX_CONFIG
    (line,) = done.stderr.splitlines()
    assert all(part in line for part in (FEATURE.name, *parts))


def asked(service: SyncService, request: dict[str, object]) -> dict[str, Any]:
    reply = service.invoke(msgspec.json.encode(request), JSON)
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = msgspec.json.decode(reply.body)
    return answer


def png(image: Pixels) -> str:
    packed = io.BytesIO()
    Picture.fromarray(image).save(packed, "png")
    return base64.b64encode(packed.getvalue()).decode()
