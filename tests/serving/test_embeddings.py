"""Properties of embeddings and of their similarity."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.arrays import Floats
from serving.embeddings import cosine, rounded, similarity, unit

VECTORS = arrays(np.float32, 8, elements=st.floats(-1e3, 1e3, width=32)).map(unit)


@given(VECTORS, VECTORS)
def test_the_similarity_is_symmetric_and_in_0_to_1(first: Floats, second: Floats) -> None:
    assert 0 <= similarity(cosine(first, second)) == similarity(cosine(second, first)) <= 1


@given(VECTORS)
def test_a_vector_has_similarity_1_to_itself(vector: Floats) -> None:
    assert similarity(cosine(vector, vector)) == 1


def test_opposite_vectors_have_similarity_0_and_numbers_have_six_decimals() -> None:
    vector = unit(np.array([1, 2, -3], np.float32))
    assert similarity(cosine(vector, -vector)) == 0
    assert rounded(vector) == [0.267261, 0.534522, -0.801784]


def test_a_vector_of_zeros_is_unchanged() -> None:
    assert not unit(np.zeros((2, 3), np.float32)).any()
