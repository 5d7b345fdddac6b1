"""The reader of MXNet's parameter files, tested on files that the tests write by the format's definition."""

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from serving.arrays import Floats
from serving.weights.mxnet_params import read

Tensors = dict[str, Floats]

tensors = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=8),
    array_shapes(max_dims=4, min_side=0, max_side=3),
    max_size=3,
).map(lambda shapes: {name: numbers(shape) for name, shape in shapes.items()})


def numbers(shape: tuple[int, ...]) -> Floats:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def packed(content: Tensors) -> bytes:
    data = struct.pack("<QQQ", 0x112, 0, len(content))
    for array in content.values():
        data += struct.pack("<IiI", 0xF993FAC9, 0, array.ndim) + struct.pack(f"<{array.ndim}q", *array.shape)
        data += struct.pack("<iii", 1, 0, 0) + array.tobytes()
    data += struct.pack("<Q", len(content))
    for name in content:
        data += struct.pack("<Q", len(name.encode())) + name.encode()
    return data


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mxnet") / "network.params"


@settings(max_examples=40)
@given(tensors)
def test_written_tensors_are_read_back(file: Path, content: Tensors) -> None:
    file.write_bytes(packed(content))
    found = read(file)
    assert list(found) == list(content)
    for name, array in content.items():
        np.testing.assert_array_equal(found[name], array)


@settings(max_examples=40)
@given(tensors, st.data())
def test_the_error_names_a_file_that_is_cut_anywhere(
    file: Path, content: Tensors, data: st.DataObject
) -> None:
    whole = packed(content)
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ValueError, match=r"network\.params: byte \d+: \d+ bytes wanted"):
        read(file)


@settings(max_examples=40)
@given(tensors, st.data())
def test_a_file_with_a_wrong_byte_is_read_or_refused(
    file: Path, content: Tensors, data: st.DataObject
) -> None:
    damaged = bytearray(packed(content))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(damaged)
    with contextlib.suppress(ValueError):
        assert len(read(file)) == len(content)


@pytest.mark.parametrize(
    ("offset", "fault"),
    [(0, "list magic"), (24, "tensor magic"), (28, "storage type"), (52, "element type")],
)
def test_the_error_names_the_field_of_another_format(file: Path, offset: int, fault: str) -> None:
    damaged = bytearray(packed({"arg:weight": np.zeros(3, np.float32)}))
    damaged[offset] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(ValueError, match=f"{fault} is 0x"):
        read(file)


def test_bytes_after_the_end_are_refused(file: Path) -> None:
    file.write_bytes(packed({}) + b"\0")
    with pytest.raises(ValueError, match=r"network\.params: byte 32: size in bytes is 0x21, must be 0x20"):
        read(file)


def test_a_repeated_name_is_refused(file: Path) -> None:
    content = packed({"a": np.zeros(1, np.float32), "b": np.zeros(1, np.float32)})
    file.write_bytes(content.replace(b"b", b"a"))
    with pytest.raises(ValueError, match="number of different names is 0x1, must be 0x2"):
        read(file)
