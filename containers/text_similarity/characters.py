"""Vectors of what Han characters and their neighbours mean, by our own small network, in numpy alone.

Characters and pairs of neighbours have rows in two tables (several may share one); a convolution over three
characters tells words apart, and the weighted sum over the text is the vector.
"""

from pathlib import Path
from typing import Self
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from containers.text_similarity.grams import kind_of
from serving.arrays import Floats, Integers
from serving.embeddings import unit

SIZE = 256
"""Of the vector of a text."""

CHARACTERS, BIGRAMS = 8192, 12288
"""Rows of the tables."""

_FACTOR, _SHIFT, _PAIR = 0x9E3779B1, 13, 65537


class Characters:
    """tensors: the parameters by their names in `training.text_similarity.network`."""

    def __init__(self, tensors: dict[str, NDArray[np.float16]]) -> None:
        self._of = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        mix = self._of["mix.weight"]  # (outputs, inputs, 3)
        self._mix = mix.transpose(2, 1, 0).reshape(-1, len(mix))

    @classmethod
    def load(cls, file: Path) -> Self:
        return cls(load_file(file))

    def embed(self, text: str) -> Floats:
        """(256,), 1 long; nothing but zeros without Han characters."""
        codes = codes_of(text)
        seen = (codes != 0)[:, None]
        characters, bigrams = rows_of(codes)
        states = self._of["characters.weight"][characters] * seen
        pairs = self._of["bigrams.weight"][bigrams] * (seen[1:] & seen[:-1])
        states[:-1] += pairs
        states[1:] += pairs
        padded = np.pad(states, ((1, 1), (0, 0)))
        mixed = np.hstack([padded[:-2], padded[1:-1], padded[2:]]) @ self._mix + self._of["mix.bias"]
        states = states + self._linear("feed.2", _gelu(self._normalised(mixed)))
        weights = np.logaddexp(0, self._linear("weigh", states)) * seen
        summed = (states * weights).sum(0) @ self._of["project.weight"].T
        return unit(unit(summed) - self._of["mean"]) if seen.any() else summed

    def _linear(self, name: str, states: Floats) -> Floats:
        return np.asarray(states @ self._of[f"{name}.weight"].T + self._of[f"{name}.bias"])

    def _normalised(self, states: Floats) -> Floats:
        centred = states - states.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self._of["feed.0.weight"] + self._of["feed.0.bias"])


def codes_of(text: str) -> Integers:
    """(L,) code points; 0 for what is not Han."""
    plain = normalize("NFKC", text)
    return np.array([ord(each) if kind_of(each) == "han" else 0 for each in plain], np.int64)


def rows_of(codes: Integers) -> tuple[Integers, Integers]:
    """(..., L) code points -> (..., L) rows of characters, and (..., L - 1) of pairs of neighbours."""
    pairs = codes[..., :-1] * _PAIR + codes[..., 1:]
    return _hashed(codes) % CHARACTERS, _hashed(pairs) % BIGRAMS


def _hashed(values: Integers) -> Integers:
    """Multiplicative hashing, which wraps around."""
    return (values * _FACTOR) >> _SHIFT


def _gelu(values: Floats) -> Floats:
    """By the hyperbolic tangent (https://arxiv.org/abs/1606.08415)."""
    return np.asarray(
        values / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (values + 0.044715 * values * values * values)))
    )
