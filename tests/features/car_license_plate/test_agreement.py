"""Two readings of one line, and that the second reader needs no network."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from containers.car_license_plate.agreement import Reading, agreed, likelihoods
from containers.car_license_plate.grammar import ALPHABET, LAYOUTS, likeliest, texts
from containers.car_license_plate.plates import PlateReader
from serving.arrays import Floats
from serving.feature import find
from serving.images.intake import Media
from serving.weights import Store

CHANCES = arrays(np.float32, (14, len(ALPHABET) + 1), elements=st.floats(-9, 0, width=32))


def reading(chances: Floats) -> Reading:
    return Reading(chances, texts([chances])[0])


def peaked(text: str, doubts: dict[int, str] | None = None) -> Reading:
    """Spells `text`; in the places of `doubts` another character is nearly as likely."""
    chances = np.full((2 * len(text) + 1, len(ALPHABET) + 1), -12, np.float32)
    chances[::2, -1] = 0
    for place, character in enumerate(text):
        chances[2 * place + 1, ALPHABET.index(character)] = -0.6
        chances[2 * place + 1, ALPHABET.index((doubts or {}).get(place, character))] = -0.5
    return reading(chances)


@settings(deadline=None, max_examples=20)
@given(CHANCES)
def test_the_likelihood_of_the_likeliest_text_is_its_score(chances: Floats) -> None:
    layouts = np.arange(len(LAYOUTS))
    for text, score in likeliest(np.broadcast_to(chances, (len(LAYOUTS), *chances.shape)), layouts):
        assert np.exp(likelihoods(chances, [text])[0] / len(text)) == pytest.approx(score, rel=1e-3)


@settings(deadline=None, max_examples=5)
@given(CHANCES)
def test_a_reading_agrees_with_itself(chances: Floats) -> None:
    own = reading(chances)
    for (text, score), (expected, best) in zip(agreed(own, own), own.texts, strict=True):
        assert score == pytest.approx(best, rel=1e-3)
        assert len(text) == len(expected)


def test_each_reader_s_certainty_settles_the_other_s_doubt() -> None:
    first, second = peaked("皖A12345", {0: "陕"}), peaked("皖A12345", {6: "6"})
    assert [one.texts[0][0] for one in (first, second)] == ["陕A12345", "皖A12346"]
    assert agreed(first, second)[0][0] == "皖A12345"


def test_lite_reads_the_example_with_an_empty_cache_and_no_mirror(tmp_path: Path) -> None:
    feature = find("car_license_plate")
    weights = Store(cache_dir=tmp_path, mirror=None).resolve(feature, "lite", download=False)
    image = Media().decode((feature.folder / "example.jpg").read_bytes())
    (found,) = PlateReader.load(weights, "cpu").read([image])
    assert [plate.text for plate in found] == [plate["words"] for plate in feature.example["response"]]
