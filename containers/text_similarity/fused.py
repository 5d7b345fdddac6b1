"""Vectors of characters and of meaning side by side: the profile `lite`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from containers.text_similarity.characters import SIZE, Characters
from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import DIMENSIONS
from containers.text_similarity.lexical import Lexical, beginning
from serving.arrays import Floats
from serving.embeddings import unit


class Fused(Encoder):
    """A cosine is the mean of the two; without Han characters it is the lexical one alone."""

    version = "lexical-characters/1"

    def __init__(self, lexical: Lexical, characters: Characters) -> None:
        self._lexical, self._characters = lexical, characters

    @classmethod
    def load(cls, idf: Path, characters: Path) -> Self:
        return cls(Lexical.load(idf, DIMENSIONS - SIZE), Characters.load(characters))

    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        """The vectors themselves: nothing is gained by waiting for other texts."""
        return [
            Prepared(unit(np.concatenate([vector, self._characters.embed(beginning(text)[0])])), truncated)
            for text, (vector, truncated) in zip(texts, self._lexical.prepare(texts), strict=True)
        ]

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        return np.stack([text.content for text in texts])
