"""Embeddings: vectors of length 1 that are compared by cosine similarity."""

import numpy as np

from serving.arrays import Floats


def unit(vectors: Floats) -> Floats:
    """Returns the vectors, (..., D), scaled to length 1; a vector of zeros is unchanged."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def cosine(first: Floats, second: Floats) -> float:
    """Returns the cosine similarity of two unit vectors, -1 to 1, to six decimals; 1 for equal vectors."""
    if np.array_equal(first, second):
        return 1.0
    return round(min(1.0, max(-1.0, float(first.astype(float) @ second))), 6)


def similarity(cosine: float) -> float:
    """Returns (1 + cosine) / 2, 0 to 1: the similarity that the original AI Solution Kit returned."""
    return round((1 + cosine) / 2, 6)


def rounded(vector: Floats) -> list[float]:
    """Returns the numbers for a reply, to six decimals like the original AI Solution Kit."""
    rounded: list[float] = vector.astype(float).round(6).tolist()
    return rounded
