"""What a plate may say: any logits give texts that obey a layout, and a plate that is spelt out is read."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from containers.car_license_plate.grammar import ALPHABET, LAYOUTS, Grammar, Layout, likeliest, texts
from containers.general_ocr.recognition import Text
from serving.arrays import Floats

CHARACTERS = ("", *ALPHABET, *"·OIo你好")
GRAMMAR = Grammar(CHARACTERS)


def obeys(text: str, layout: Layout) -> bool:
    return len(text) == len(layout.places) and all(
        character in place for character, place in zip(text, layout.places, strict=True)
    )


@st.composite
def plates(draw: st.DrawFn) -> tuple[int, str]:
    """Index of a layout, and a text of it."""
    index = draw(st.integers(0, len(LAYOUTS) - 1))
    return index, "".join(draw(st.sampled_from(place)) for place in LAYOUTS[index].places)


def peaked(symbols: Sequence[str], height: float = 12) -> Floats:
    """(1, T, classes) logits that spell `symbols`, one each step."""
    logits = np.zeros((1, len(symbols), len(CHARACTERS)), np.float32)
    logits[0, range(len(symbols)), [CHARACTERS.index(symbol) for symbol in symbols]] = height
    return logits


def best(found: Sequence[Text]) -> Text:
    return max(found, key=lambda text: text[1])


@settings(deadline=None, max_examples=30)
@given(arrays(np.float32, (2, 12, len(CHARACTERS)), elements=st.floats(-8, 8, width=32)))
def test_whatever_the_logits_every_text_obeys_its_layout(logits: Floats) -> None:
    for found in texts(GRAMMAR.chances(logits)):
        for layout, (text, score) in zip(LAYOUTS, found, strict=True):
            assert obeys(text, layout)
            assert 0 < score <= 1


@settings(deadline=None, max_examples=30)
@given(plates(), st.data())
def test_a_plate_that_is_spelt_out_is_read(plate: tuple[int, str], data: st.DataObject) -> None:
    index, text = plate
    steps: list[str] = []
    for place, character in enumerate(text):
        gap = data.draw(st.sampled_from(["", "·"])) if place else ""
        needed = [gap] if place and text[place - 1] == character else []
        steps += [*needed, *[character] * data.draw(st.integers(1, 3))]
    (found,) = texts(GRAMMAR.chances(peaked(steps)))
    assert best(found)[0] == text == found[index][0]
    assert found[index][1] > 0.95


@settings(deadline=None, max_examples=30)
@given(plates())
def test_letters_that_no_plate_has_count_as_the_digits_they_resemble(plate: tuple[int, str]) -> None:
    index, text = plate
    assume({"0", "1"} & set(text))
    spelt = [symbol for character in text for symbol in ({"0": "O", "1": "I"}.get(character, character), "")]
    assert texts(GRAMMAR.chances(peaked(spelt)))[0][index][0] == text


@settings(deadline=None, max_examples=20)
@given(
    st.lists(arrays(np.float32, (1, 10, len(CHARACTERS)), elements=st.floats(-6, 6, width=32)), max_size=3),
    st.floats(0, 0.3),
)
def test_a_batch_reads_as_its_lines_whatever_their_lengths(rows: list[Floats], floor: float) -> None:
    lines = [GRAMMAR.chances(row[:, index:])[0] for index, row in enumerate(rows)]
    for line, together in zip(lines, texts(lines, floor), strict=True):
        (alone,) = texts([line])
        for (text, score), (expected, expected_score) in zip(together, alone, strict=True):
            if text or expected_score > floor:
                assert text == expected
                assert score == pytest.approx(expected_score)


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, (8, 3), elements=st.floats(-5, 0, width=32)))
def test_the_search_is_exact(chances: Floats) -> None:
    """Against every alignment of a plate that surely starts 使12 and goes on in 2, 3 and blanks."""
    sure, doubtful = "使12", ("2", "3", "")
    table = np.full((1, 11, len(ALPHABET) + 1), -1e6, np.float32)
    table[0, range(3), [ALPHABET.index(character) for character in sure]] = 0
    table[0, 3:, [ALPHABET.index("2"), ALPHABET.index("3"), len(ALPHABET)]] = chances.T
    scores: dict[str, float] = {}
    for path in product(range(3), repeat=8):
        spelt = sure + "".join(
            doubtful[symbol] for symbol, before in zip(path, (0, *path), strict=False) if symbol != before
        )
        score = sum(float(chances[step, symbol]) for step, symbol in enumerate(path))
        scores[spelt] = max(score, scores.get(spelt, -np.inf))
    possible = {spelt: score for spelt, score in scores.items() if len(spelt) == 7}
    layout = next(index for index, layout in enumerate(LAYOUTS) if layout.places[0] == "使")
    ((text, likelihood),) = likeliest(table, np.array([layout]))
    assert possible[text] == pytest.approx(max(possible.values()), abs=1e-4)
    assert likelihood == pytest.approx(np.exp(possible[text] / 7), rel=1e-3)


def test_too_few_steps_spell_nothing() -> None:
    assert texts(GRAMMAR.chances(peaked("京A12"))) == [[("", 0.0)] * len(LAYOUTS)]
