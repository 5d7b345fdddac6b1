"""The words that texts are made of, each with a vector of its meaning.

The meanings come from our thesaurus, jieba's dictionary and Unicode's definitions of characters (README.md).
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
"""Shares of the squared length of a thesaurus word's meaning; the rest comes from its characters."""

_WEIGHTS = {"who": 0.8, "loc": 0.9, "t": 0.5, "num": 0.5, "vt": 0.9, "adv": 0.2, "rel": 0.15}
_PRONOUNS = "我 本人 你 您 他 她 我们 咱们 你们 他们 她们 自己 别人 其他人 他人 大家 人们"
_FREQUENT = 1e-3
"""Frequency at which a dictionary's word has half the weight (https://openreview.net/forum?id=SyK00v5xx)."""

_FEWEST = 400  # least occurrences of a word of the dictionary
_COMMON = 1500  # a word in the definitions of this many characters is too common to count
_KINDS = {"n": "n", "nz": "n", "v": "v", "vn": "v", "a": "a", "nr": "who", "ns": "loc", "s": "loc", "t": "t"}
"""The thesaurus' kind for each of jieba's parts of speech."""


@dataclass(frozen=True, eq=False)
class Word:
    """A word. synonyms: words of its group, including itself. related: words of its field's other groups."""

    text: str
    kind: str
    meaning: Floats
    weight: float
    synonyms: "list[Word]"
    related: "list[Word]"


Lexicon = dict[str, list[Word]]
"""The words of each kind; thesaurus.txt names the kinds."""


@cache
def thesaurus() -> Lexicon:
    """Reads thesaurus.txt. A line is a kind, a topic and a field; there `/` separates groups of synonyms."""
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
    """Reads jieba's words that are not rare and not in the thesaurus; words of other kinds get `x`."""
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
    """Returns (SIZE,) vectors of the characters' definitions in Unihan.

    Two vectors are alike when the definitions share rare words.
    """
    with bz2.open(DEFINITIONS, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if "\tkDefinition\t" in line]
    glosses = {chr(int(code[2:], 16)): set(re.findall("[a-z]{2,}", text.lower())) for code, _, text in rows}
    frequency = Counter(chain.from_iterable(glosses.values()))
    vectors = {}
    for character, words in glosses.items():
        telling = [word for word in sorted(words) if frequency[word] < _COMMON]
        if character < "\U00010000" and telling:
            weighted = [frequency[word] ** -0.5 * direction(word) for word in telling]
            vectors[character] = unit(np.sum(weighted, axis=0))
    return vectors


@cache
def direction(name: str) -> Floats:
    """Returns the name's random direction, (SIZE,) of length 1; any two names are nearly orthogonal."""
    return unit(np.random.default_rng(crc32(name.encode())).standard_normal(SIZE, np.float32))


def _mixed(text: str, shares: dict[str, float]) -> Floats:
    """Sums named directions with their shares of the squared length, and the characters' meanings."""
    spelt = unit(np.sum([character_meaning(character) for character in text], axis=0))
    named = [share**0.5 * direction(name) for name, share in shares.items()]
    return unit(np.sum([*named, (1 - sum(shares.values())) ** 0.5 * spelt], axis=0))


@cache
def character_meaning(character: str) -> Floats:
    """Returns a vector that is half the character's own direction and half that of its definition."""
    own = direction(character)
    return unit(own + definitions().get(character, own))
