"""The vectors that OWLv2 looks for: of the 300 names, and of any other words that are asked for."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from containers.object_recognition.labels import LABELS
from serving.arrays import Floats
from serving.errors import UnprocessableInput
from serving.weights import Weights
from serving.weights.array_cache import cached_arrays

if TYPE_CHECKING:
    from containers.object_recognition.networks.owlv2 import WordSide


_REMEMBERED = 64  # requests' words


def prompt(name: str) -> str:
    """The sentence for a name, without the brackets and underscores of some. Raises `UnprocessableInput`."""
    words = " ".join(re.sub(r"[_()]", " ", name).split()).removeprefix("a ")
    if not re.search(r"\w", words):
        raise UnprocessableInput(f"labels: {name!r} is no word")
    return f"a photo of a {words}"


class Vocabulary:
    """The side of words is read when it is first needed, and then kept."""

    def __init__(self, weights: Weights) -> None:
        self._weights, self._lock = weights, Lock()
        self._side: WordSide | None = None
        prompts = [prompt(name) for name in LABELS]
        digest = hashlib.sha256("\n".join(prompts).encode()).hexdigest()[:16]
        made = cached_arrays(
            weights.derived(f"queries-{digest}.safetensors"), lambda: {"vectors": self._embedded(LABELS)}
        )
        self._known = dict(zip(LABELS, made["vectors"], strict=True))
        self._recent = lru_cache(_REMEMBERED)(self._looked_up)

    def vectors(self, names: tuple[str, ...]) -> Floats:
        """(names, D) unit vectors. Raises `UnprocessableInput` for what is no word, or too many."""
        return self._recent(names)

    def _looked_up(self, names: tuple[str, ...]) -> Floats:
        others = [name for name in names if name not in self._known]
        vectors = self._known | (dict(zip(others, self._embedded(others), strict=True)) if others else {})
        return np.stack([vectors[name] for name in names])

    def _embedded(self, names: Sequence[str]) -> Floats:
        prompts = [prompt(name) for name in names]
        with self._lock:
            if self._side is None:
                # late: torch is needed only for names that are not stored yet
                from containers.object_recognition.networks.owlv2 import WordSide

                self._side = WordSide(self._weights)
            rows, most = self._side.tokens(prompts), self._side.longest
            for text, row in zip(prompts, rows, strict=True):
                if len(row) > most:
                    raise UnprocessableInput(f"labels: {text!r} is {len(row)} tokens, at most {most}")
            return self._side.embed(rows)
