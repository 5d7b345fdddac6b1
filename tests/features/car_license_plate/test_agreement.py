"""Two readings of one line agree on a text, and the `lite` profile needs no download."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from containers.car_license_plate.agreement import Reading, agreed_texts, log_likelihoods
from containers.car_license_plate.grammar import ALPHABET, LAYOUTS, best_texts, most_probable_texts
from containers.car_license_plate.plates import PlateReader
from serving.arrays import Floats
from serving.feature import find
from serving.images.intake import Media
from serving.weights import Store

LOG_PROBABILITIES = arrays(np.float32, (14, len(ALPHABET) + 1), elements=st.floats(-9, 0, width=32))


def reading(log_probabilities: Floats) -> Reading:
    return Reading(log_probabilities, best_texts([log_probabilities])[0])


def peaked(text: str, doubts: dict[int, str] | None = None) -> Reading:
    """Returns a reading of `text`. In the places of `doubts`, another character is slightly more probable."""
    steps = np.full((2 * len(text) + 1, len(ALPHABET) + 1), -12, np.float32)
    steps[::2, -1] = 0
    for place, character in enumerate(text):
        steps[2 * place + 1, ALPHABET.index(character)] = -0.6
        steps[2 * place + 1, ALPHABET.index((doubts or {}).get(place, character))] = -0.5
    return reading(steps)


@settings(deadline=None, max_examples=20)
@given(LOG_PROBABILITIES)
def test_the_likelihood_of_the_most_probable_text_is_its_score(line: Floats) -> None:
    layouts = np.arange(len(LAYOUTS))
    for text, score in most_probable_texts(np.broadcast_to(line, (len(LAYOUTS), *line.shape)), layouts):
        assert np.exp(log_likelihoods(line, [text])[0] / len(text)) == pytest.approx(score, rel=1e-3)


@settings(deadline=None, max_examples=5)
@given(LOG_PROBABILITIES)
def test_a_reading_agrees_with_itself(line: Floats) -> None:
    own = reading(line)
    for (text, score), (expected, best) in zip(agreed_texts(own, own), own.texts, strict=True):
        assert score == pytest.approx(best, rel=1e-3)
        assert len(text) == len(expected)


def test_each_reading_decides_where_the_other_is_uncertain() -> None:
    first, second = peaked("皖A12345", {0: "陕"}), peaked("皖A12345", {6: "6"})
    assert [one.texts[0].text for one in (first, second)] == ["陕A12345", "皖A12346"]
    assert agreed_texts(first, second)[0].text == "皖A12345"


def test_lite_reads_the_example_without_a_cache_or_a_mirror(tmp_path: Path) -> None:
    feature = find("car_license_plate")
    weights = Store(cache_dir=tmp_path, mirror=None).resolve(feature, "lite", download=False)
    image = Media().decode((feature.folder / "example.jpg").read_bytes())
    (found,) = PlateReader.load(weights, "cpu").read([image])
    assert [plate.text for plate in found] == [plate["words"] for plate in feature.example["response"]]
