"""Words that texts are made of, each with a vector of its meaning as far as tables tell it.

The tables: our thesaurus, jieba's dictionary and Unicode's definitions of characters (see README.md).
"""

import bz2
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from zlib import crc32

import numpy as np

from containers.text_similarity.characters import SIZE
from serving.arrays import Floats
from serving.embeddings import unit

DATA = Path("out/data")
JIEBA = DATA / "jieba/dict.txt"
DEFINITIONS = DATA / "usr/share/unicode/Unihan_Readings.txt.bz2"
THESAURUS = Path(__file__).with_name("thesaurus.txt")

_SHARES = {"group": 0.45, "field": 0.27, "topic": 0.10}
"""Of a word of the thesaurus, in the squared length; the rest is what its characters say."""

_WEIGHTS = {"who": 0.8, "loc": 0.9, "t": 0.5, "num": 0.5, "vt": 0.9, "adv": 0.2, "rel": 0.15}
_PRONOUNS = "我 本人 你 您 他 她 我们 咱们 你们 他们 她们 自己 别人 其他人 他人 大家 人们"
_FREQUENT = 1e-3
"""Share of all words with which one of the dictionary weighs half (https://openreview.net/forum?id=SyK00v5xx)."""

_FEWEST = 400  # occurrences of a word of the dictionary
_COMMON = 1500  # characters whose definitions have a word that says nothing
_KINDS = {"n": "n", "nz": "n", "v": "v", "vn": "v", "a": "a", "nr": "who", "ns": "loc", "s": "loc", "t": "t"}
"""Of jieba's parts of speech, those of the thesaurus."""


@dataclass(frozen=True, eq=False)
class Word:
    """synonyms: of the same group, itself among them. related: of the other groups of its field."""

    text: str
    kind: str
    meaning: Floats
    weight: float
    synonyms: "list[Word]"
    related: "list[Word]"


Lexicon = dict[str, list[Word]]
"""Words by kind, as thesaurus.txt names it."""


@cache
def thesaurus() -> Lexicon:
    """A line of thesaurus.txt is a kind, a topic and a field; in it `/` parts groups of synonyms."""
    found: Lexicon = defaultdict(list)
    for line in THESAURUS.read_text("utf-8").splitlines():
        kind, topic, field = line.split(" ", 2)
        groups: list[list[Word]] = []
        for group in field.split("/"):
            synonyms: list[Word] = []
            for text in group.split():
                names = {"group": f"{kind} {group}", "field": line, "topic": topic}
                weight = 0.3 if text in _PRONOUNS.split() else _WEIGHTS.get(kind, 1.0)
                meaning = _mixed(text, {names[level]: share for level, share in _SHARES.items()})
                synonyms.append(Word(text, kind, meaning, weight, synonyms, []))
            groups.append(synonyms)
        for synonyms in groups:
            others = chain.from_iterable(other for other in groups if other is not synonyms)
            related = list(others)
            for word in synonyms:
                word.related.extend(related)
        found[kind].extend(chain.from_iterable(groups))
    return found


@cache
def dictionary() -> Lexicon:
    """Words of jieba that the thesaurus lacks and that are not rare; `x` are those of other kinds."""
    known = {word.text for words in thesaurus().values() for word in words}
    rows = [line.rsplit(" ", 2) for line in JIEBA.read_text("utf-8").splitlines()]
    total = sum(int(count) for _, count, _ in rows)
    found: Lexicon = defaultdict(list)
    for text, count, speech in rows:
        if int(count) >= (_FEWEST if len(text) > 1 else 20) and text not in known and len(text) <= 4:
            weight = 0.8 * _FREQUENT / (_FREQUENT + int(count) / total)
            kind = _KINDS.get(speech, "x") if len(text) > 1 else "x"
            word = Word(text, kind, _mixed(text, {}), weight, [], [])
            word.synonyms.append(word)
            found[kind].append(word)
    return found


@cache
def definitions() -> dict[str, Floats]:
    """Of a character, (SIZE,): alike where the words of Unihan's definitions are the same and rare."""
    with bz2.open(DEFINITIONS, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if "\tkDefinition\t" in line]
    glosses = {chr(int(code[2:], 16)): set(re.findall("[a-z]{2,}", text.lower())) for code, _, text in rows}
    frequency = Counter(chain.from_iterable(glosses.values()))
    return {
        character: unit(np.sum([frequency[word] ** -0.5 * direction(word) for word in kept], axis=0))
        for character, words in glosses.items()
        if character < "\U00010000"
        and (kept := [word for word in sorted(words) if frequency[word] < _COMMON])
    }


@cache
def direction(name: str) -> Floats:
    """(SIZE,), 1 long: a random one that the name decides, nearly orthogonal to all others."""
    return unit(np.random.default_rng(crc32(name.encode())).standard_normal(SIZE, np.float32))


def _mixed(text: str, shares: dict[str, float]) -> Floats:
    """Named directions with their shares in a squared length of 1, and what the characters say."""
    spelt = unit(np.sum([_character(character) for character in text], axis=0))
    named = [share**0.5 * direction(name) for name, share in shares.items()]
    return unit(np.sum([*named, (1 - sum(shares.values())) ** 0.5 * spelt], axis=0))


@cache
def _character(character: str) -> Floats:
    """Half itself, half its definition."""
    own = direction(character)
    return unit(own + definitions().get(character, own))
