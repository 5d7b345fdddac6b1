"""Grams: the runs of one to three characters of a text that are compared."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Literal
from unicodedata import category, name, normalize

LONGEST = 3  # characters of a gram

_SELECTORS = re.compile("[\ufe00-\ufe0f]")  # variation selectors choose a glyph and have no meaning


def count_grams(text: str) -> Counter[str]:
    """Counts each gram of a text. Only a text without visible characters has none.

    Wide and narrow forms are equal, and so are upper and lower case. Traditional and simplified characters
    differ. Han characters count alone and with one or two neighbours. Letters and digits of other scripts
    count in twos and threes, with spaces that mark the ends of a word. Symbols count alone. No gram mixes
    these three kinds.
    """
    plain = _SELECTORS.sub("", normalize("NFKC", text).casefold())
    return Counter(gram for kind, run in groupby(plain, kind_of) for gram in _grams(kind, "".join(run)))


def is_blank(text: str) -> bool:
    """Tells whether a text has no visible character."""
    return all(kind_of(character) == "blank" for character in text)


@lru_cache(1 << 14)
def kind_of(character: str) -> Literal["han", "word", "symbol", "blank"]:
    """Returns the kind of a character. A blank is a space, a control or another invisible character."""
    group = category(character)
    if group[0] == "Z" or group in {"Cc", "Cf"} or _SELECTORS.match(character):
        return "blank"
    if group[0] in "LMN":
        return "han" if name(character, "").startswith("CJK ") else "word"
    return "symbol"


def _grams(kind: str, run: str) -> Iterator[str]:
    if kind == "blank":
        return
    lengths = {"han": range(1, LONGEST + 1), "word": range(2, LONGEST + 1), "symbol": range(1, 2)}[kind]
    marked = f" {run} " if kind == "word" else run
    for length in lengths:
        for start in range(len(marked) - length + 1):
            yield marked[start : start + length]
