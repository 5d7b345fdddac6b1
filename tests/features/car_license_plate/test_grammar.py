"""Any logits give texts that obey a layout, and logits that spell a plate give its text."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from containers.car_license_plate.grammar import (
    ALPHABET,
    LAYOUTS,
    Grammar,
    Layout,
    best_texts,
    most_probable_texts,
)
from containers.general_ocr.recognition import ScoredText
from serving.arrays import Floats

CHARACTERS = ("", *ALPHABET, *"·OIo你好")
GRAMMAR = Grammar(CHARACTERS)


def obeys(text: str, layout: Layout) -> bool:
    return len(text) == len(layout.places) and all(
        character in place for character, place in zip(text, layout.places, strict=True)
    )


@st.composite
def plates(draw: st.DrawFn) -> tuple[int, str]:
    """Draws the index of a layout and a text that obeys it."""
    index = draw(st.integers(0, len(LAYOUTS) - 1))
    return index, "".join(draw(st.sampled_from(place)) for place in LAYOUTS[index].places)


def peaked(symbols: Sequence[str], height: float = 12) -> Floats:
    """Returns (1, T, classes) logits that spell `symbols`, one symbol per step."""
    logits = np.zeros((1, len(symbols), len(CHARACTERS)), np.float32)
    logits[0, range(len(symbols)), [CHARACTERS.index(symbol) for symbol in symbols]] = height
    return logits


def best(found: Sequence[ScoredText]) -> ScoredText:
    return max(found, key=lambda text: text.score)


@settings(deadline=None, max_examples=30)
@given(arrays(np.float32, (2, 12, len(CHARACTERS)), elements=st.floats(-8, 8, width=32)))
def test_every_text_obeys_its_layout_for_any_logits(logits: Floats) -> None:
    for found in best_texts(GRAMMAR.log_probabilities(logits)):
        for layout, (text, score) in zip(LAYOUTS, found, strict=True):
            assert obeys(text, layout)
            assert 0 < score <= 1


@settings(deadline=None, max_examples=30)
@given(plates(), st.data())
def test_logits_that_spell_a_plate_give_its_text(plate: tuple[int, str], data: st.DataObject) -> None:
    index, text = plate
    steps: list[str] = []
    for place, character in enumerate(text):
        gap = data.draw(st.sampled_from(["", "·"])) if place else ""
        needed = [gap] if place and text[place - 1] == character else []
        steps += [*needed, *[character] * data.draw(st.integers(1, 3))]
    (found,) = best_texts(GRAMMAR.log_probabilities(peaked(steps)))
    assert best(found).text == text == found[index].text
    assert found[index].score > 0.95


@settings(deadline=None, max_examples=30)
@given(plates())
def test_letters_that_no_plate_has_count_as_the_digits_they_resemble(plate: tuple[int, str]) -> None:
    index, text = plate
    assume({"0", "1"} & set(text))
    spelt = [symbol for character in text for symbol in ({"0": "O", "1": "I"}.get(character, character), "")]
    assert best_texts(GRAMMAR.log_probabilities(peaked(spelt)))[0][index].text == text


@settings(deadline=None, max_examples=20)
@given(
    st.lists(arrays(np.float32, (1, 10, len(CHARACTERS)), elements=st.floats(-6, 6, width=32)), max_size=3),
    st.floats(0, 0.3),
)
def test_lines_of_any_length_have_the_same_texts_in_a_batch_as_alone(
    rows: list[Floats], min_score: float
) -> None:
    lines = [GRAMMAR.log_probabilities(row[:, index:])[0] for index, row in enumerate(rows)]
    for line, together in zip(lines, best_texts(lines, min_score), strict=True):
        (alone,) = best_texts([line])
        for (text, score), (expected, expected_score) in zip(together, alone, strict=True):
            if text or expected_score > min_score:
                assert text == expected
                assert score == pytest.approx(expected_score)


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, (8, 3), elements=st.floats(-5, 0, width=32)))
def test_the_search_is_exact(steps: Floats) -> None:
    """Compares with every alignment of a plate that begins with 使12 and continues with 2, 3 and blanks."""
    certain, uncertain = "使12", ("2", "3", "")
    table = np.full((1, 11, len(ALPHABET) + 1), -1e6, np.float32)
    table[0, range(3), [ALPHABET.index(character) for character in certain]] = 0
    table[0, 3:, [ALPHABET.index("2"), ALPHABET.index("3"), len(ALPHABET)]] = steps.T
    scores: dict[str, float] = {}
    for path in product(range(3), repeat=8):
        spelt = certain + "".join(
            uncertain[symbol] for symbol, before in zip(path, (0, *path), strict=False) if symbol != before
        )
        score = sum(float(steps[step, symbol]) for step, symbol in enumerate(path))
        scores[spelt] = max(score, scores.get(spelt, -np.inf))
    possible = {spelt: score for spelt, score in scores.items() if len(spelt) == 7}
    layout = next(index for index, layout in enumerate(LAYOUTS) if layout.places[0] == "使")
    ((text, likelihood),) = most_probable_texts(table, np.array([layout]))
    assert possible[text] == pytest.approx(max(possible.values()), abs=1e-4)
    assert likelihood == pytest.approx(np.exp(possible[text] / 7), rel=1e-3)


def test_too_few_steps_spell_nothing() -> None:
    assert best_texts(GRAMMAR.log_probabilities(peaked("京A12"))) == [[("", 0.0)] * len(LAYOUTS)]
