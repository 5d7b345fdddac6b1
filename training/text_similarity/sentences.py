"""Makes texts from frames and words, in families, each with the vector of its meaning."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

import numpy as np

from serving.arrays import Floats
from serving.embeddings import unit
from training.text_similarity.frames import FRAMES
from training.text_similarity.words import Word, dictionary, direction, thesaurus

T = TypeVar("T")

FAMILY = 6
"""Number of texts in a family; they share most of their words."""

_FRAMED = 0.3  # share of the families that follow a frame; the others are words in a row
_INTENT, _NEGATION, _ROLE = 0.5, 0.6, 0.3
_NEGATIONS = {
    "v": ("没有", "不", "没", "不想"),
    "vt": ("没有", "不", "没", "不能"),
    "a": ("不", "并不", "不太"),
}
_GLUE = [
    "",
    "",
    "",
    "",
    "的",
    "了",
    "在",
    "是",
    "，",
    "把",
    "被",
    "和",
    "就",
    "也",
    "吗",
    "着",
    "到",
    "给",
    "上",
    "有",
]
_SLOT = re.compile(r"{(\w)(?::([a-z|]+))?}")


@dataclass(frozen=True)
class Frame:
    """A way to say a thing.

    kinds: kinds of words for each slot. patterns: each is split at its slots, so that the names of the
    slots have the odd indices.
    """

    name: str
    kinds: dict[str, list[str]]
    patterns: list[list[str]]


@dataclass(frozen=True)
class Choice:
    """A chosen word. negation: a word that is put before it, or nothing."""

    word: Word
    negation: str = ""


def family(generator: np.random.Generator) -> list[tuple[str, Floats]]:
    """Returns `FAMILY` variations of a text, each with its meaning, (SIZE,) of length 1.

    The second text means the same as the first.
    """
    boldness = [0.0, 0.0, *generator.uniform(0.1, 1, FAMILY - 2)]
    if generator.random() < _FRAMED:
        frame = _one(generator, frames())
        base = {slot: Choice(_word(generator, _one(generator, kinds))) for slot, kinds in frame.kinds.items()}
        return [_framed(generator, frame, base, bold) for bold in boldness]
    kinds = [_one(generator, word_kinds()) for _ in range(generator.integers(1, 6))]
    row = [Choice(_word(generator, kind)) for kind in kinds]
    return [_piled(generator, row, bold) for bold in boldness]


@cache
def frames() -> list[Frame]:
    """Returns the frames of `FRAMES`, with their patterns split at the slots."""
    split_frames = []
    for name, patterns in FRAMES.items():
        kinds = {
            slot: kind.split("|") for pattern in patterns for slot, kind in _SLOT.findall(pattern) if kind
        }
        split = [re.split(r"{(\w)(?::[a-z|]+)?}", pattern) for pattern in patterns]
        split_frames.append(Frame(name, kinds, split))
    return split_frames


@cache
def word_kinds() -> list[str]:
    """Returns each kind as many times as the thesaurus has words of it, and `x` one time in five."""
    kinds = [kind for kind, words in thesaurus().items() for _ in words]
    return kinds + ["x"] * (len(kinds) // 4)


def _framed(
    generator: np.random.Generator, frame: Frame, base: dict[str, Choice], boldness: float
) -> tuple[str, Floats]:
    """Returns a variation of a framed text and its meaning.

    A word's meaning is added once more, shifted by its slot, so that who does what to whom counts a little.
    """
    chosen = {slot: _varied(generator, choice, boldness) for slot, choice in base.items()}
    for first, second in (("s", "p"), ("x", "y")):
        if first in chosen and second in chosen and generator.random() < 0.3 * boldness:
            chosen[first], chosen[second] = chosen[second], chosen[first]
    pattern = _one(generator, frame.patterns)
    meaning = _INTENT * direction(f"intent {frame.name}")
    for slot in pattern[1::2]:
        meaning = meaning + _meant(chosen[slot]) + _ROLE * np.roll(_meant(chosen[slot]), ord(slot))
    parts = [part if place % 2 == 0 else _said(chosen[part]) for place, part in enumerate(pattern)]
    text = "".join(parts)
    return (text.rstrip("。？") if generator.random() < 0.3 else text), unit(meaning)


def _piled(generator: np.random.Generator, row: Sequence[Choice], boldness: float) -> tuple[str, Floats]:
    """Returns a variation of words in a row, with particles between them, and its meaning.

    Some words are left out, and some rows are in another order.
    """
    chosen = [_varied(generator, choice, boldness) for choice in row]
    used = [choice for choice in chosen if generator.random() > 0.3 * boldness] or chosen[:1]
    if generator.random() < 0.3:
        used = [used[place] for place in generator.permutation(len(used))]
    text = "".join(_said(choice) + _one(generator, _GLUE) for choice in used)
    return text, unit(np.sum([_meant(choice) for choice in used], axis=0))


def _varied(generator: np.random.Generator, choice: Choice, boldness: float) -> Choice:
    """Returns a synonym, or more often with growing boldness a related word, any word, or a negated word."""
    draw, word = generator.random(), choice.word
    if draw < 0.3 * boldness:
        word = _word(generator, word.kind)
    elif draw < 0.6 * boldness and word.related:
        word = _one(generator, word.related)
    elif draw > 0.4:
        word = _one(generator, word.synonyms)
    negations = _NEGATIONS.get(choice.word.kind)
    if negations and generator.random() < 0.2 * boldness:
        return Choice(word, _one(generator, negations))
    return replace(choice, word=word)


def _said(choice: Choice) -> str:
    return choice.negation + choice.word.text


def _meant(choice: Choice) -> Floats:
    meaning = choice.word.weight * choice.word.meaning
    return meaning + _NEGATION * direction("not") if choice.negation else meaning


def _word(generator: np.random.Generator, kind: str) -> Word:
    """Returns a word of the kind from the thesaurus, or sometimes from the dictionary."""
    others = dictionary().get(kind)
    if others and (kind == "x" or generator.random() < 0.25):
        return _one(generator, others)
    return _one(generator, thesaurus()[kind])


def _one(generator: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(generator.integers(len(choices)))]
