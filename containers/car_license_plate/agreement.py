"""What two recognisers that read the same line agree on."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from containers.car_license_plate.grammar import ALPHABET, LAYOUTS, NEVER, Layout
from containers.general_ocr.recognition import Text
from serving.arrays import Floats

MIXED = 4  # places in which two texts may differ for their mixtures to be weighed too


class Reading(NamedTuple):
    """chances: of a line, as `Grammar.chances` gives them. texts: the likeliest of every layout."""

    chances: Floats
    texts: Sequence[Text]


def agreed(first: Reading, second: Reading) -> list[Text]:
    """Of each layout that the first reading admits a text that is likeliest to both together.

    Sought from a mixture of both readings' texts, one place at a time. Score: the geometric mean of both
    likelihoods, per character, or the first one's if that is more.
    """
    found = []
    for layout, (one, score), (other, _) in zip(LAYOUTS, first.texts, second.texts, strict=True):
        if one and other:
            text, likelihood = _likeliest(first.chances, second.chances, layout, _mixtures(one, other))
            together = math.exp(likelihood / len(text))
            found.append((text, max(together, score) if text == one else together))
        else:
            found.append((one, score))
    return found


def _likeliest(first: Floats, second: Floats, layout: Layout, texts: list[str]) -> tuple[str, float]:
    text = ""
    while True:
        together = (likelihoods(first, texts) + likelihoods(second, texts)) / 2
        best = texts[int(together.argmax())]
        if best == text:
            return text, float(together.max())
        text, texts = best, [best, *_neighbours(best, layout)]


def likelihoods(chances: Floats, texts: Sequence[str]) -> Floats:
    """(K,) log-likelihoods of the best CTC alignment of each text; the texts are of one length."""
    symbols = np.full((len(texts), 2 * len(texts[0]) + 1), len(ALPHABET))
    symbols[:, 1::2] = [[ALPHABET.index(character) for character in text] for text in texts]
    repeated = np.where(symbols[:, 3::2] == symbols[:, 1:-2:2], NEVER, np.float32(0))
    score = np.full(symbols.shape, NEVER)
    score[:, 0] = 0
    for chance in chances:
        entered = score.copy()
        np.maximum(entered[:, 1:], score[:, :-1], out=entered[:, 1:])
        np.maximum(entered[:, 3::2], score[:, 1:-2:2] + repeated, out=entered[:, 3::2])
        score = entered + chance[symbols]
    best: Floats = score[:, -2:].max(axis=1)
    return best


def _mixtures(one: str, other: str) -> list[str]:
    """Both, and what takes each place from either."""
    places = [sorted({*pair}) for pair in zip(one, other, strict=True)]
    if sum(len(place) > 1 for place in places) > MIXED:
        return [one, other]
    return ["".join(mixture) for mixture in product(*places)]


def _neighbours(text: str, layout: Layout) -> Iterator[str]:
    """What differs in one place."""
    for place, characters in enumerate(layout.places):
        for character in characters:
            if character != text[place]:
                yield text[:place] + character + text[place + 1 :]
