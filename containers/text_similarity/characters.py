"""The small network of this project for the meaning of Chinese words, in numpy alone.

Han characters and pairs of neighbours have rows in two tables, and several may share a row. A convolution
over three characters distinguishes words. The vector of a text is the weighted sum over its characters.
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
"""The number of dimensions of a vector."""

CHARACTERS, BIGRAMS = 8192, 12288
"""The number of rows of the two tables."""

_FACTOR, _SHIFT, _PAIR = 0x9E3779B1, 13, 65537


class Characters:
    """Embeds texts. tensors: the parameters by their names in `training.text_similarity.network`."""

    def __init__(self, tensors: dict[str, NDArray[np.float16]]) -> None:
        self._tensors = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        mix = self._tensors["mix.weight"]  # (outputs, inputs, 3)
        self._mix = mix.transpose(2, 1, 0).reshape(-1, len(mix))

    @classmethod
    def load(cls, file: Path) -> Self:
        return cls(load_file(file))

    def embed(self, text: str) -> Floats:
        """Returns a vector of length 1, (256,). It is all zeros for a text without Han characters."""
        codes = codes_of(text)
        seen = (codes != 0)[:, None]
        characters, bigrams = rows_of(codes)
        states = self._tensors["characters.weight"][characters] * seen
        pairs = self._tensors["bigrams.weight"][bigrams] * (seen[1:] & seen[:-1])
        states[:-1] += pairs
        states[1:] += pairs
        padded = np.pad(states, ((1, 1), (0, 0)))
        mixed = np.hstack([padded[:-2], padded[1:-1], padded[2:]]) @ self._mix + self._tensors["mix.bias"]
        states = states + self._linear("feed.2", _gelu(self._normalised(mixed)))
        weights = np.logaddexp(0, self._linear("weigh", states)) * seen
        summed = (states * weights).sum(0) @ self._tensors["project.weight"].T
        return unit(unit(summed) - self._tensors["mean"]) if seen.any() else summed

    def _linear(self, name: str, states: Floats) -> Floats:
        return np.asarray(states @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"])

    def _normalised(self, states: Floats) -> Floats:
        centred = states - states.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self._tensors["feed.0.weight"] + self._tensors["feed.0.bias"])


def codes_of(text: str) -> Integers:
    """Returns the code points of a text, (L,), with 0 for each character that is not Han."""
    plain = normalize("NFKC", text)
    return np.array([ord(each) if kind_of(each) == "han" else 0 for each in plain], np.int64)


def rows_of(codes: Integers) -> tuple[Integers, Integers]:
    """Turns code points, (..., L), into the rows of characters, (..., L), and of pairs, (..., L - 1)."""
    pairs = codes[..., :-1] * _PAIR + codes[..., 1:]
    return _hashed(codes) % CHARACTERS, _hashed(pairs) % BIGRAMS


def _hashed(values: Integers) -> Integers:
    """Hashes values by multiplication, which wraps around."""
    return (values * _FACTOR) >> _SHIFT


def _gelu(values: Floats) -> Floats:
    """Computes GELU in its form with the hyperbolic tangent (https://arxiv.org/abs/1606.08415)."""
    return np.asarray(
        values / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (values + 0.044715 * values * values * values)))
    )
