"""What the networks of every profile have in common: they find things by name."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from serving.arrays import Floats, Pixels


class Thing(NamedTuple):
    """box: (4,) left, top, right, bottom in pixels, inside the image. score: 0 to 1."""

    name: str
    score: float
    box: Floats


class Query(NamedTuple):
    """What to find in one image: things of these names, all different, at least that sure."""

    names: tuple[str, ...]
    min_score: float


class Recogniser(Protocol):
    """known: what to look for where nobody says what."""

    known: tuple[str, ...]

    def check(self, names: tuple[str, ...]) -> None:
        """Raises `UnprocessableInput` for a name that it cannot look for. Runs concurrently."""

    def find(self, images: Sequence[Pixels], queries: Sequence[Query]) -> list[list[Thing]]:
        """The things of every (H, W, 3) RGB image, surest first; of a name, none overlaps another much."""
