"""Laws of embeddings: cosines lie in -1 to 1, a vector is wholly similar to itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.arrays import Floats
from serving.embeddings import cosine, numbers, similarity, unit

VECTORS = arrays(np.float32, 8, elements=st.floats(-1e3, 1e3, width=32)).map(unit)


@given(VECTORS, VECTORS)
def test_a_similarity_is_symmetric_and_within_its_range(first: Floats, second: Floats) -> None:
    assert 0 <= similarity(cosine(first, second)) == similarity(cosine(second, first)) <= 1


@given(VECTORS)
def test_a_vector_is_wholly_similar_to_itself(vector: Floats) -> None:
    assert similarity(cosine(vector, vector)) == 1


def test_opposite_vectors_are_not_similar_at_all_and_numbers_have_six_decimals() -> None:
    vector = unit(np.array([1, 2, -3], np.float32))
    assert similarity(cosine(vector, -vector)) == 0
    assert numbers(vector) == [0.267261, 0.534522, -0.801784]


def test_a_vector_of_zeros_stays_one() -> None:
    assert not unit(np.zeros((2, 3), np.float32)).any()
