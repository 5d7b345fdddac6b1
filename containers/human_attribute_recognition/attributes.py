"""The table of attributes, read from attributes.json. This module needs no torch."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Language = Literal["zh", "en"]
Prompt = Annotated[str, Meta(pattern="^[a-z ]+$")]
"""A sentence for the text tower. SigLIP 2 was trained on lower case and works better without punctuation."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of an attribute.

    zh, en: its label in a response. prompts: sentences that describe a person with this value.
    touches: the value applies when the person's box reaches this edge of the image. Then it has no prompts.
    """

    zh: str
    en: str
    prompts: tuple[Prompt, ...] = ()
    touches: Literal["top", "bottom"] | None = None


class Attribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute, with values that exclude each other. key: its name in a response."""

    key: str
    values: tuple[Value, ...]

    def labels(self, language: Language) -> list[str]:
        """Returns the labels of the values, in order."""
        return [value.zh if language == "zh" else value.en for value in self.values]


Table = tuple[Attribute, ...]


def read(file: Path) -> Table:
    """Reads the table. Raises `msgspec.ValidationError` when the file has another structure."""
    return msgspec.json.decode(file.read_bytes(), type=Table)


def values_with_prompts(table: Table) -> list[Value]:
    """Returns the values that a head scores, in order: those with prompts, which no edge decides."""
    return [value for one in table for value in one.values if value.prompts]


def digest(table: Table) -> str:
    """Returns a hash of the prompts, which determine the embeddings."""
    prompts = [value.prompts for value in values_with_prompts(table)]
    return hashlib.sha256(msgspec.json.encode(prompts)).hexdigest()[:16]


ATTRIBUTES = read(Path(__file__).with_name("attributes.json"))
