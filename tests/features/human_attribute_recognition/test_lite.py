"""Tests of the profile `lite` with its own weights, on a photograph and on drawn images."""

import cv2
import msgspec
import numpy as np
import pytest

from containers.human_attribute_recognition.attributes import ATTRIBUTES
from containers.human_attribute_recognition.judgement import USUAL
from containers.human_attribute_recognition.lite import LiteRecogniser
from containers.human_attribute_recognition.model import Item, Model
from containers.human_attribute_recognition.people import BY_THE_FRAME, Limits, Person
from containers.human_attribute_recognition.pose import PoseNetwork
from serving.arrays import Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import Weights
from tests.support.ask import weights_of

FEATURE = find("human_attribute_recognition")
LIMITS = Limits(20, 0.5)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(FEATURE, Settings.read(profile="lite", device="cpu"))


@pytest.fixture(scope="module")
def recogniser(weights: Weights) -> LiteRecogniser:
    return LiteRecogniser.load(weights, "cpu")


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return Media().decode((FEATURE.folder / "example.jpg").read_bytes())


def likely(person: Person) -> dict[str, str]:
    """Returns for each attribute the English label with the highest percentage."""
    return {
        one.key: one.labels("en")[int(np.argmax(scores))]
        for one, scores in zip(ATTRIBUTES, person.scores, strict=True)
    }


def details(person: Person) -> dict[str, str]:
    return {one.key: detail for one, detail in zip(ATTRIBUTES, person.details, strict=True)}


def test_an_astronaut_is_described(recogniser: LiteRecogniser, astronaut: Pixels) -> None:
    ((person,),) = recogniser.recognise([astronaut], [LIMITS])
    expected = {
        "gender": "female",
        "orientation": "front",
        "glasses": "without",
        "lower_cut": "truncated",
        "upper_cut": "not_truncated",
        "occlusion": "none",
        "upper_wear_texture": "solid",
        "carrying_item": "not_carrying",
    }
    assert {key: likely(person)[key] for key in expected} == expected
    for scores in person.scores:
        assert sum(scores) == pytest.approx(100, abs=0.05)


def test_each_attribute_says_how_it_was_judged(recogniser: LiteRecogniser, astronaut: Pixels) -> None:
    ((person,),) = recogniser.recognise([astronaut], [LIMITS])
    said = details(person)
    assert said["gender"] == "by the face"
    assert said["age"].startswith("by the face, which looks ")
    assert said["lower_cut"] == BY_THE_FRAME
    assert said["bag"] == "no backpack, handbag found beside this person"
    for key in ("headwear", "face_mask", "smoke"):
        assert said[key].startswith("usual share, because")


def test_the_response_has_details_only_on_request(recogniser: LiteRecogniser, astronaut: Pixels) -> None:
    model = Model(recogniser, "any")
    items = [Item(astronaut, LIMITS, "en", detail) for detail in (True, False)]
    with_details, without = (
        msgspec.to_builtins(model.postprocess(output, item))["Labels"][0]
        for output, item in zip(model.predict(items), items, strict=True)
    )
    assert list(with_details["detail"]) == [one.key for one in ATTRIBUTES]
    assert "detail" not in without


def test_the_points_of_the_astronaut_lie_on_the_body(weights: Weights, astronaut: Pixels) -> None:
    network = PoseNetwork.load(weights, "cpu")
    (pose,) = network.find([(astronaut, np.array((15, 14, 364, 508), np.float32))])
    assert pose.score > 0.9
    assert pose.points[0] == pytest.approx((222, 129), abs=20)
    left, right = pose.points[11], pose.points[12]
    assert left[0] - right[0] > 100
    assert pose.sees(0, 11, 12)
    assert network.find([]) == []


def test_a_batch_gives_the_same_people_as_its_images_one_by_one(
    recogniser: LiteRecogniser, astronaut: Pixels
) -> None:
    images = [astronaut, np.zeros((40, 40, 3), np.uint8), astronaut[:, ::-1].copy()]
    limits = [LIMITS, LIMITS, Limits(1, 0.3)]
    together = recogniser.recognise(images, limits)
    for image, limit, found in zip(images, limits, together, strict=True):
        (alone,) = recogniser.recognise([image], [limit])
        assert [one.details for one in alone] == [one.details for one in found]
        for left, right in zip(alone, found, strict=True):
            assert np.concatenate(left.scores) == pytest.approx(np.concatenate(right.scores), abs=0.1)
    assert [len(found) for found in together] == [1, 0, 1]


def test_no_images_give_no_people(recogniser: LiteRecogniser) -> None:
    assert recogniser.recognise([], []) == []


def test_a_grey_photograph_gives_the_usual_sleeves(recogniser: LiteRecogniser, astronaut: Pixels) -> None:
    grey = np.dstack([cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)] * 3)
    ((person,),) = recogniser.recognise([np.asarray(grey, np.uint8)], [LIMITS])
    upper = next(index for index, one in enumerate(ATTRIBUTES) if one.key == "upper_wear")
    assert person.scores[upper] == [100 * share for share in USUAL["upper_wear"]]
    assert person.details[upper].startswith("usual share")


def test_a_tiny_a_cut_off_and_a_repeated_person(recogniser: LiteRecogniser, astronaut: Pixels) -> None:
    tiny = np.full((512, 512, 3), 128, np.uint8)
    tiny[200:264, 200:264] = cv2.resize(astronaut, (64, 64), interpolation=cv2.INTER_AREA)
    crowd = np.tile(cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA), (2, 4, 1))
    loose = Limits(100, 0.1)
    for image in (tiny, astronaut[:150], astronaut[250:], astronaut[:, :120].copy(), crowd):
        for person in recogniser.recognise([np.ascontiguousarray(image)], [loose])[0]:
            for scores in person.scores:
                assert sum(scores) == pytest.approx(100, abs=0.05)
    limited = recogniser.recognise([np.asarray(crowd, np.uint8)], [Limits(3, 0.1)])[0]
    assert len(limited) <= 3
