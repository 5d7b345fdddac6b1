"""Vectors of a text's characters and their neighbours, without a network: one half of the profile `lite`.

Grams (see grams.py) weighted by TF-IDF, then hashed with signs (feature hashing, https://arxiv.org/abs/0902.2206;
several places per gram: sparse Johnson-Lindenstrauss transforms, https://arxiv.org/abs/1012.1577).
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Self
from unicodedata import category

import numpy as np

from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import DIMENSIONS
from containers.text_similarity.grams import counted, kind_of
from serving.arrays import Doubles, Floats
from serving.embeddings import unit

LIMIT = 2048
"""Characters of a text that count, from the first visible one."""

PLACES = 8
"""Of a gram in the vector, one in each of so many equal parts, with a sign each."""

PUNCTUATION = 1.0
"""Weight of a full stop and its like, however many: less than of any character that says something."""


class Lexical(Encoder):
    """idf: of the grams that are not rare. size: of a vector, a multiple of `PLACES`."""

    version = "lexical-1-3-grams/1"

    def __init__(self, idf: dict[str, float], size: int) -> None:
        self._idf, self._size = idf, size
        self._rarest = max(idf.values())

    @classmethod
    def load(cls, file: Path, size: int = DIMENSIONS) -> Self:
        """From lines of an IDF and, after it, the grams that have it; `_` in them is a word's end."""
        lines = (line.split(" ") for line in file.read_text("utf-8").splitlines())
        return cls({gram.replace("_", " "): float(value) for value, *grams in lines for gram in grams}, size)

    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        return [self._prepared(text) for text in texts]

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        return np.stack([text.content for text in texts])

    def _prepared(self, text: str) -> Prepared:
        """The vector itself: nothing is gained by waiting for other texts."""
        kept, truncated = beginning(text)
        counts = counted(kept)
        weights = np.array([self._weight(gram, count) for gram, count in counts.items()])
        return Prepared(unit(projected(list(counts), weights, self._size)), truncated)

    def _weight(self, gram: str, count: int) -> float:
        """A character more makes a gram a third as important, as it repeats what shorter ones say."""
        if category(gram[0])[0] == "P":
            return PUNCTUATION
        return (1 + math.log(count)) * self._idf.get(gram, self._rarest) / 3.0 ** (len(gram) - 1)


def beginning(text: str) -> tuple[str, bool]:
    """The characters that count, and whether there are more; one must be visible."""
    start = next(place for place, character in enumerate(text) if kind_of(character) != "blank")
    return text[start : start + LIMIT], len(text) > start + LIMIT


def projected(grams: Sequence[str], weights: Doubles, size: int = DIMENSIONS) -> Floats:
    """(size,). The scalar product of two is on average that of the weights of the grams that they share."""
    digests = b"".join(
        blake2b(gram.encode(errors="replace"), digest_size=2 * PLACES).digest() for gram in grams
    )
    values = np.frombuffer(digests, "<u2").reshape(-1, PLACES)  # a sign and a place from 16 bits
    part = size // PLACES
    places = values // 2 % part + np.arange(PLACES) * part
    signed = np.where(values % 2, 1, -1) * weights[:, None] / math.sqrt(PLACES)
    return np.bincount(places.ravel(), signed.ravel(), size).astype(np.float32)
