"""The interface of the encoders, one for each profile. An encoder turns texts into vectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from serving.arrays import Array, Floats


class Prepared(NamedTuple):
    """A text that is ready for `Encoder.embed`.

    content: the input of `embed`. truncated: True when it has only the beginning of the text.
    """

    content: Array
    truncated: bool


class Encoder(ABC):
    """Turns texts into vectors. The cosine of two vectors measures how similar their texts are."""

    version: ClassVar[str]

    @abstractmethod
    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        """Prepares the texts of one request, which all have a visible character.

        Runs concurrently. Raises `UnprocessableInput`.
        """

    @abstractmethod
    def embed(self, texts: Sequence[Prepared]) -> Floats:
        """Returns the vectors in the order of the texts, (texts, 768). Each has length 1."""
