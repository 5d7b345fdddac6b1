"""Embeddings: vectors of length 1 that are compared by their cosine."""

import numpy as np

from serving.arrays import Floats


def unit(vectors: Floats) -> Floats:
    """(..., D), each made 1 long; one of nothing but zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def cosine(first: Floats, second: Floats) -> float:
    """Of two unit vectors, -1 to 1, in six decimals; 1 where they are the same."""
    if np.array_equal(first, second):
        return 1.0
    return round(min(1.0, max(-1.0, float(first.astype(float) @ second))), 6)


def similarity(cosine: float) -> float:
    """0 to 1, as the AI Solution Kit had it: (1 + cosine) / 2."""
    return round((1 + cosine) / 2, 6)


def numbers(vector: Floats) -> list[float]:
    """For a reply: six decimals, as the AI Solution Kit had it."""
    rounded: list[float] = vector.astype(float).round(6).tolist()
    return rounded
