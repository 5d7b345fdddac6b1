"""The table of attributes, attributes.json: what is told about a person, in which words. Without torch."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Language = Literal["zh", "en"]
Prompt = Annotated[str, Meta(pattern="^[a-z ]+$")]
"""SigLIP 2 was trained on texts in lower case, and is better without punctuation."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of an attribute, by its labels in a reply, and sentences that say it of a person.

    touches: it is true where the person's box reaches that edge of the image, and needs no prompts.
    """

    zh: str
    en: str
    prompts: tuple[Prompt, ...] = ()
    touches: Literal["top", "bottom"] | None = None


class Attribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its values exclude each other. key: its name in a reply."""

    key: str
    values: tuple[Value, ...]

    def labels(self, language: Language) -> list[str]:
        """What its values are called, in order."""
        return [value.zh if language == "zh" else value.en for value in self.values]


Table = tuple[Attribute, ...]


def read(file: Path) -> Table:
    """Raises `msgspec.ValidationError` for a file of another form."""
    return msgspec.json.decode(file.read_bytes(), type=Table)


def prompted(table: Table) -> list[Value]:
    """The values that a head scores, in order: all but those of the attributes that an edge decides."""
    return [value for one in table for value in one.values if value.prompts]


def digest(table: Table) -> str:
    """Of what decides the embeddings: the prompts, value by value."""
    prompts = [value.prompts for value in prompted(table)]
    return hashlib.sha256(msgspec.json.encode(prompts)).hexdigest()[:16]


ATTRIBUTES = read(Path(__file__).with_name("attributes.json"))
