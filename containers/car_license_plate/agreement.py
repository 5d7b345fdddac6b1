"""Combines the readings of two recognisers that read the same line."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from containers.car_license_plate.grammar import ALPHABET, LAYOUTS, NEVER, Layout
from containers.general_ocr.recognition import ScoredText
from serving.arrays import Floats

MAX_DIFFERENCES = 4  # places in which two texts may differ and still be mixed


class Reading(NamedTuple):
    """One recogniser's reading of a line.

    log_probabilities: as `Grammar.log_probabilities` returns them. texts: the most probable of each layout.
    """

    log_probabilities: Floats
    texts: Sequence[ScoredText]


def agreed_texts(first: Reading, second: Reading) -> list[ScoredText]:
    """Returns, for each layout, the text that is most probable for both readings together.

    The search starts from mixtures of both readings' texts and changes one place at a time. The score is the
    geometric mean of both likelihoods, per character. If the text is the first reading's and its score there
    is higher, it keeps that score. A layout for which either reading has no text keeps the first one's text.
    """
    agreed = []
    for layout, one, other in zip(LAYOUTS, first.texts, second.texts, strict=True):
        if one.text and other.text:
            text, log_likelihood = _search(first, second, layout, _mixtures(one.text, other.text))
            score = math.exp(log_likelihood / len(text))
            agreed.append(ScoredText(text, max(score, one.score) if text == one.text else score))
        else:
            agreed.append(one)
    return agreed


def _search(first: Reading, second: Reading, layout: Layout, texts: list[str]) -> tuple[str, float]:
    """Returns the most probable text and its log-likelihood, by changes of one place at a time."""
    best = ""
    while True:
        both = log_likelihoods(first.log_probabilities, texts) + log_likelihoods(
            second.log_probabilities, texts
        )
        mean = both / 2
        found = texts[int(mean.argmax())]
        if found == best:
            return best, float(mean.max())
        best, texts = found, [found, *_neighbours(found, layout)]


def log_likelihoods(log_probabilities: Floats, texts: Sequence[str]) -> Floats:
    """Returns the log-likelihood of the best CTC alignment of each text, (K,). All texts have one length."""
    symbols = np.full((len(texts), 2 * len(texts[0]) + 1), len(ALPHABET))
    symbols[:, 1::2] = [[ALPHABET.index(character) for character in text] for text in texts]
    # a character that is repeated needs a blank before it
    repeated = np.where(symbols[:, 3::2] == symbols[:, 1:-2:2], NEVER, np.float32(0))
    score = np.full(symbols.shape, NEVER)
    score[:, 0] = 0
    for step in log_probabilities:
        entered = score.copy()
        np.maximum(entered[:, 1:], score[:, :-1], out=entered[:, 1:])
        np.maximum(entered[:, 3::2], score[:, 1:-2:2] + repeated, out=entered[:, 3::2])
        score = entered + step[symbols]
    best: Floats = score[:, -2:].max(axis=1)
    return best


def _mixtures(one: str, other: str) -> list[str]:
    """Returns all texts that take each place from one of the two, or only the two if they differ too much."""
    places = [sorted({*pair}) for pair in zip(one, other, strict=True)]
    if sum(len(place) > 1 for place in places) > MAX_DIFFERENCES:
        return [one, other]
    return ["".join(mixture) for mixture in product(*places)]


def _neighbours(text: str, layout: Layout) -> Iterator[str]:
    """Yields the texts of the layout that differ from `text` in one place."""
    for place, characters in enumerate(layout.places):
        for character in characters:
            if character != text[place]:
                yield text[:place] + character + text[place + 1 :]
