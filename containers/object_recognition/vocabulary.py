"""The embeddings that OWLv2 looks for: those of the 300 names, and those of other words in requests."""

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


_REMEMBERED = 64  # lists of names from requests


def prompt(name: str) -> str:
    """Returns the sentence for a name, without brackets and underscores. Raises `UnprocessableInput`."""
    words = " ".join(re.sub(r"[_()]", " ", name).split()).removeprefix("a ")
    if not re.search(r"\w", words):
        raise UnprocessableInput(f"labels: {name!r} has no letter or digit")
    return f"a photo of a {words}"


class Vocabulary:
    """Embeds names. The text half of the network is loaded when it is first needed."""

    def __init__(self, weights: Weights) -> None:
        self._weights, self._lock = weights, Lock()
        self._words: WordSide | None = None
        prompts = [prompt(name) for name in LABELS]
        digest = hashlib.sha256("\n".join(prompts).encode()).hexdigest()[:16]
        cached = cached_arrays(
            weights.derived(f"queries-{digest}.safetensors"), lambda: {"vectors": self._embedded(LABELS)}
        )
        self._known = dict(zip(LABELS, cached["vectors"], strict=True))
        self._recent = lru_cache(_REMEMBERED)(self._looked_up)

    def vectors(self, names: tuple[str, ...]) -> Floats:
        """Returns unit vectors, (names, D).

        Raises `UnprocessableInput` for a name without a letter or digit, or with too many tokens.
        """
        return self._recent(names)

    def _looked_up(self, names: tuple[str, ...]) -> Floats:
        others = [name for name in names if name not in self._known]
        vectors = dict(self._known)
        if others:
            vectors.update(zip(others, self._embedded(others), strict=True))
        return np.stack([vectors[name] for name in names])

    def _embedded(self, names: Sequence[str]) -> Floats:
        prompts = [prompt(name) for name in names]
        with self._lock:
            if self._words is None:
                # imported here, because torch is needed only for names that are not cached
                from containers.object_recognition.networks.owlv2 import WordSide

                self._words = WordSide(self._weights)
            rows, most = self._words.tokens(prompts), self._words.longest
            for text, row in zip(prompts, rows, strict=True):
                if len(row) > most:
                    raise UnprocessableInput(f"labels: {text!r} is {len(row)} tokens, at most {most}")
            return self._words.embed(rows)
