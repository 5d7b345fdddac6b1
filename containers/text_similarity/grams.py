"""What of a text is compared: runs of one to three characters."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Literal
from unicodedata import category, name, normalize

LONGEST = 3

_SELECTORS = re.compile("[\ufe00-\ufe0f]")  # choose a glyph, say nothing


def counted(text: str) -> Counter[str]:
    """How often each gram occurs; none only where nothing of the text is visible.

    Wide and narrow forms and upper and lower case are the same; traditional and simplified characters are
    not. Han characters count alone and with one or two neighbours; letters and digits of other scripts in
    twos and threes, a word's ends marked by spaces; symbols alone. Nothing reaches across anything else.
    """
    plain = _SELECTORS.sub("", normalize("NFKC", text).casefold())
    return Counter(gram for kind, run in groupby(plain, kind_of) for gram in _grams(kind, "".join(run)))


def is_blank(text: str) -> bool:
    """Whether nothing of the text is visible."""
    return all(kind_of(character) == "blank" for character in text)


@lru_cache(1 << 14)
def kind_of(character: str) -> Literal["han", "word", "symbol", "blank"]:
    """A blank is a space, a control or something else that is invisible."""
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
