"""What both profiles are: a way from texts to vectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from serving.arrays import Array, Floats


class Prepared(NamedTuple):
    """content: what `Encoder.embed` takes of a text. truncated: only the text's beginning is in it."""

    content: Array
    truncated: bool


class Encoder(ABC):
    """Texts to vectors whose cosine says how alike the texts are."""

    version: ClassVar[str]

    @abstractmethod
    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        """Of one request; each has a visible character. Runs concurrently. Raises `UnprocessableInput`."""

    @abstractmethod
    def embed(self, texts: Sequence[Prepared]) -> Floats:
        """(texts, 768), in order, each 1 long."""
