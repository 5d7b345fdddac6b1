"""The cache for arrays that are computed from weights."""

from pathlib import Path

import numpy as np
import pytest

from serving.arrays import Array
from serving.weights.array_cache import cached_arrays

MADE: dict[str, Array] = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def refuse() -> dict[str, Array]:
    pytest.fail("the arrays are computed again")


def test_a_later_start_reads_what_the_first_one_computed(tmp_path: Path) -> None:
    file = tmp_path / "derived" / "net.safetensors"
    assert cached_arrays(file, lambda: MADE) is MADE
    np.testing.assert_array_equal(cached_arrays(file, refuse)["a"], MADE["a"])


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(b"damaged")
    assert cached_arrays(file, lambda: MADE) is MADE
    np.testing.assert_array_equal(cached_arrays(file, refuse)["a"], MADE["a"])


@pytest.mark.parametrize("file", [None, Path("/proc/net.safetensors")])
def test_nothing_has_to_be_stored(file: Path | None) -> None:
    assert cached_arrays(file, lambda: MADE) is MADE
