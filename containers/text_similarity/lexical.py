"""The encoders of the profile `lite`: the lexical vector, and its combination with the network of characters.

A lexical vector counts the grams of a text (see grams.py), weights them by TF-IDF, and adds each to places of
the vector with signs that its hash decides. This is feature hashing (https://arxiv.org/abs/0902.2206) with
several places for each gram, as in sparse Johnson-Lindenstrauss transforms (https://arxiv.org/abs/1012.1577).
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Self
from unicodedata import category

import numpy as np

from containers.text_similarity.characters import SIZE, Characters
from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import DIMENSIONS
from containers.text_similarity.grams import count_grams, kind_of
from serving.arrays import Doubles, Floats
from serving.embeddings import unit

LIMIT = 2048
"""The number of characters of a text that count, from the first visible one."""

PLACES = 8
"""The places of a gram in the vector. The vector has this many equal parts, and each has one place."""

PUNCTUATION = 1.0
"""The weight of a punctuation mark, however often it occurs. Any character with meaning weighs more."""


class Lexical(Encoder):
    """Turns texts into lexical vectors.

    idf: the IDF of frequent grams; others count as the rarest. size: dimensions, a multiple of `PLACES`.
    """

    version = "lexical-1-3-grams/1"

    def __init__(self, idf: dict[str, float], size: int) -> None:
        self._idf, self._size = idf, size
        self._rarest = max(idf.values())

    @classmethod
    def load(cls, file: Path, size: int = DIMENSIONS) -> Self:
        """Reads lines of an IDF and the grams that have it. In a gram `_` is the end of a word."""
        lines = (line.split(" ") for line in file.read_text("utf-8").splitlines())
        return cls({gram.replace("_", " "): float(value) for value, *grams in lines for gram in grams}, size)

    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        return [self._prepared(text) for text in texts]

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        return np.stack([text.content for text in texts])

    def _prepared(self, text: str) -> Prepared:
        """Computes the vector at once, because a batch of texts would be no faster."""
        start, truncated = beginning(text)
        counts = count_grams(start)
        weights = np.array([self._weight(gram, count) for gram, count in counts.items()])
        return Prepared(unit(projected(list(counts), weights, self._size)), truncated)

    def _weight(self, gram: str, count: int) -> float:
        """Returns the weight of a gram.

        Each further character divides it by 3, because a long gram repeats the shorter ones in it.
        """
        if category(gram[0])[0] == "P":
            return PUNCTUATION
        return (1 + math.log(count)) * self._idf.get(gram, self._rarest) / 3.0 ** (len(gram) - 1)


class LiteEncoder(Encoder):
    """The encoder of the profile `lite`: a lexical vector and a vector of `Characters` side by side.

    A cosine is the mean of the two cosines. For a text without Han characters it is the lexical one alone.
    """

    version = "lexical-characters/1"

    def __init__(self, lexical: Lexical, characters: Characters) -> None:
        self._lexical, self._characters = lexical, characters

    @classmethod
    def load(cls, idf: Path, characters: Path) -> Self:
        return cls(Lexical.load(idf, DIMENSIONS - SIZE), Characters.load(characters))

    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        """Computes the vectors at once, because a batch of texts would be no faster."""
        return [
            Prepared(unit(np.concatenate([vector, self._characters.embed(beginning(text)[0])])), truncated)
            for text, (vector, truncated) in zip(texts, self._lexical.prepare(texts), strict=True)
        ]

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        return np.stack([text.content for text in texts])


def beginning(text: str) -> tuple[str, bool]:
    """Returns the characters that count, and True when there are more. One character must be visible."""
    start = next(place for place, character in enumerate(text) if kind_of(character) != "blank")
    return text[start : start + LIMIT], len(text) > start + LIMIT


def projected(grams: Sequence[str], weights: Doubles, size: int = DIMENSIONS) -> Floats:
    """Projects weighted grams to a vector, (size,).

    The scalar product of two vectors is on average that of the weights of the grams that they share.
    """
    digests = b"".join(
        blake2b(gram.encode(errors="replace"), digest_size=2 * PLACES).digest() for gram in grams
    )
    values = np.frombuffer(digests, "<u2").reshape(-1, PLACES)  # 16 bits give a sign and a place
    part = size // PLACES
    places = values // 2 % part + np.arange(PLACES) * part
    signed = np.where(values % 2, 1, -1) * weights[:, None] / math.sqrt(PLACES)
    return np.bincount(places.ravel(), signed.ravel(), size).astype(np.float32)
