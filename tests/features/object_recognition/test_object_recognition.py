"""Tests of object recognition as callers see it: names, photographs, options and errors."""

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from benchmarks.data.composites import photograph
from containers.object_recognition.labels import COCO_LABELS, COCO_NAMES, LABELS
from containers.object_recognition.recogniser import CocoRecogniser
from serving.adapters.in_process import SyncService
from serving.arrays import Pixels
from serving.codec import JSON
from serving.feature import find
from serving.service import Reply
from serving.settings import Settings
from tests.support.ask import Ask
from tests.support.networks.tiny_owlv2 import TOKENS, write
from tests.support.paths import SHARED

FEATURE = find("object_recognition")
PHOTOGRAPHS = SHARED / "images" / "objects"


@pytest.fixture(scope="module")
def any_words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncService]:
    """A service that runs the profile `standard` with a random OWLv2."""
    folder = write(tmp_path_factory.mktemp("tiny"))
    settings = Settings.read(profile="standard", model_dir=str(folder), device="cpu")
    service = SyncService(FEATURE, settings)
    yield service
    service.close()


def body(image: Pixels | str, **options: Any) -> bytes:
    """Returns the body of a request. image: pixels, or the name of a photograph of scikit-image."""
    encoded = io.BytesIO()
    Image.fromarray(photograph(image) if isinstance(image, str) else image).save(encoded, "PNG")
    return msgspec.json.encode({"img": encoded.getvalue(), **options})


def answer(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200, reply.body
    return list(msgspec.json.decode(reply.body)["Labels"])


def detail(reply: Reply) -> tuple[int, str]:
    return reply.status, msgspec.json.decode(reply.body)["detail"]


def counts(labels: list[dict[str, Any]]) -> dict[str, int]:
    return {label["Name"]: len(label["Instances"]) for label in labels}


# Names


def test_there_are_300_different_names_in_alphabetical_order() -> None:
    assert len(LABELS) == 300
    assert sorted(set(LABELS)) == list(LABELS)
    assert {"accordion", "car_(automobile)", "speaker_(stero_equipment)", "zebra"} < set(LABELS)


def test_75_of_the_80_classes_of_coco_have_a_name_that_means_the_same() -> None:
    named = {coco: label for coco, label in zip(COCO_NAMES, COCO_LABELS, strict=True) if label}
    assert set(COCO_NAMES) - set(named) == {
        "sports ball",
        "hot dog",
        "dining table",
        "toaster",
        "hair drier",
    }
    assert set(named.values()) <= set(LABELS)
    assert len(set(named.values())) == 75
    assert (named["couch"], named["tv"], named["teddy bear"]) == ("sofa", "television_set", "teddy_bear")


def test_the_readme_lists_the_75_names() -> None:
    listed = ", ".join(f"`{name}`" for name in sorted(CocoRecogniser.known))
    assert listed in " ".join((FEATURE.folder / "README.md").read_text("utf-8").split())


# Photographs


@pytest.mark.parametrize(
    ("name", "expected"),
    [("chelsea", {"cat": 1}), ("astronaut", {"person": 1}), ("coffee", {"cup": 1}), ("rocket", {})],
)
def test_objects_in_photographs_are_returned(ask: Ask, name: str, expected: dict[str, int]) -> None:
    (reply,) = ask(FEATURE, body(name, min_confidence=50))
    assert counts(answer(reply)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0.jpg", {"person": 4, "baseball_bat": 1}),
        ("1.jpg", {"bus_(vehicle)": 1, "person": 2}),
        ("2.jpg", {"person": 4, "backpack": 1, "bottle": 1, "remote_control": 1}),
        ("3.jpg", {"person": 4, "frisbee": 4}),
    ],
)
def test_objects_in_real_photographs_are_returned(ask: Ask, name: str, expected: dict[str, int]) -> None:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"no real photographs: {PHOTOGRAPHS} does not exist")
    (reply,) = ask(FEATURE, (PHOTOGRAPHS / name).read_bytes(), content_type="image/jpeg")
    assert counts(answer(reply)) == expected


def test_labels_and_instances_are_sorted_by_confidence(ask: Ask) -> None:
    (reply,) = ask(FEATURE, body("coffee", min_confidence=5))
    labels = answer(reply)
    assert len(labels) > 2
    confidences = [label["Confidence"] for label in labels]
    assert confidences == sorted(confidences, reverse=True)
    for label in labels:
        instances = [one["Confidence"] for one in label["Instances"]]
        assert instances == sorted(instances, reverse=True)
        assert label["Confidence"] == instances[0]
        for box in (one["BoundingBox"] for one in label["Instances"]):
            assert min(box.values()) >= 0
            assert max(box["Left"] + box["Width"], box["Top"] + box["Height"]) <= 1 + 1e-9


def test_an_image_of_one_colour_gives_an_empty_list_and_the_version(ask: Ask) -> None:
    (reply,) = ask(FEATURE, body(np.full((80, 60, 3), 200, np.uint8)))
    assert msgspec.json.decode(reply.body) == {"Labels": [], "LabelModelVersion": "nanodet-g-coco80/1"}


def test_an_image_turned_by_its_metadata_gives_upright_boxes(ask: Ask) -> None:
    upright = Image.fromarray(photograph("chelsea"))
    turned, metadata = io.BytesIO(), Image.Exif()
    metadata[0x0112] = 6  # a viewer turns it clockwise
    upright.rotate(90, expand=True).save(turned, "PNG", exif=metadata)
    plain, again = (
        answer(*ask(FEATURE, data, content_type="image/png")) for data in (png(upright), turned.getvalue())
    )
    assert again == plain


def png(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def test_a_batch_of_different_requests_is_answered_as_each_alone(ask: Ask) -> None:
    bodies = [
        body("chelsea"),
        body("coffee", min_confidence=10),
        body("astronaut", labels=["bottle", "person"], min_confidence=10, max_labels=1),
        body(photograph("coffee")[:, ::-1], labels=["cup"]),
    ]
    together = ask(FEATURE, *bodies)
    assert any(reply.stages and reply.stages.batch_size > 1 for reply in together)
    for one, reply in zip(bodies, together, strict=True):
        (alone,) = ask(FEATURE, one)
        labels = answer(reply)
        assert counts(labels) == counts(answer(alone))
        for label, expected in zip(labels, answer(alone), strict=True):
            assert label["Confidence"] == pytest.approx(expected["Confidence"], abs=0.1)


# Options


def test_options_select_from_the_results(ask: Ask) -> None:
    everything = answer(*ask(FEATURE, body("coffee", min_confidence=10)))
    names = [label["Name"] for label in everything]
    assert answer(*ask(FEATURE, body("coffee", min_confidence=10, max_labels=2))) == everything[:2]
    chosen = answer(*ask(FEATURE, body("coffee", min_confidence=10, labels=[names[1], names[0], "zebra"])))
    assert chosen == everything[:2]
    least = everything[1]["Confidence"]
    assert [
        label["Name"] for label in answer(*ask(FEATURE, body("coffee", min_confidence=least - 0.1)))
    ] == names[:2]


@pytest.mark.parametrize(
    ("option", "status", "fault"),
    [
        (
            {"labels": ["cup", "accordion"]},
            422,
            "labels: 'accordion' is none of the 75 names that the profile lite knows",
        ),
        ({"labels": ["red cup"]}, 422, "the profile standard accepts any English words"),
        ({"labels": []}, 400, "labels: "),
        ({"labels": ["x" * 65]}, 400, "labels[0]: "),
        ({"labels": ["cup"] * 301}, 400, "labels: "),
        ({"labels": "cup"}, 400, "labels: "),
        ({"min_confidence": 101}, 400, "min_confidence: "),
        ({"max_labels": 0}, 400, "max_labels: "),
    ],
)
def test_a_wrong_option_is_refused_with_its_name(
    ask: Ask, option: dict[str, Any], status: int, fault: str
) -> None:
    (reply,) = ask(FEATURE, body("coffee", **option))
    assert detail(reply)[0] == status
    assert fault in detail(reply)[1]


def test_a_body_that_is_no_image_is_refused(ask: Ask) -> None:
    (reply,) = ask(FEATURE, b"GIF89a", content_type="image/gif")
    assert detail(reply)[0] == 422


# Any words, with a random network


def test_the_profile_standard_looks_for_300_names_or_any_words(any_words: SyncService) -> None:
    reply = any_words.invoke(body("coffee", min_confidence=0), JSON)
    assert msgspec.json.decode(reply.body)["LabelModelVersion"] == "owlv2-base-patch16-ensemble/1"
    assert set(counts(answer(reply))) <= set(LABELS)
    words = ["a red saucer", "zebra", "勺子"]
    found = answer(any_words.invoke(body("coffee", min_confidence=0, labels=words), JSON))
    assert found
    assert {label["Name"] for label in found} <= set(words)
    again = answer(any_words.invoke(body("coffee", min_confidence=0, labels=[*words, words[0]]), JSON))
    assert again == found


@pytest.mark.parametrize(
    ("words", "fault"),
    [(["cup", "( _ )"], "labels: '( _ )' has no letter or digit"), (["tea" * 15], f"at most {TOKENS}")],
)
def test_words_that_cannot_be_embedded_are_refused_by_name(
    any_words: SyncService, words: list[str], fault: str
) -> None:
    reply = any_words.invoke(body("coffee", labels=words), JSON)
    assert detail(reply)[0] == 422
    assert fault in detail(reply)[1]
