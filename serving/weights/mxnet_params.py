"""Reads MXNet's parameter files: a list of dense float32 tensors and their names.

MXNet 1.x writes this layout (src/ndarray/ndarray.cc), little-endian: u64 magic, u64 reserved, u64 count, the
tensors, u64 count, the names. A name is its u64 length and UTF-8. A tensor is u32 magic, i32 storage type,
u32 rank, i64 per side, i32 device type, i32 device number, i32 element type, and the numbers in row-major
order.
"""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from serving.arrays import Floats

_LIST, _TENSOR = 0x112, 0xF993FAC9
_DENSE = _FLOAT32 = 0


def read(file: Path) -> dict[str, Floats]:
    """Returns the tensors, read-only, by name (`arg:conv1_weight`).

    Raises ValueError, which names file, byte and fault.
    """
    reader = _Reader(file)
    magic, _, count = reader.numbers("<3Q")
    reader.expect("list magic", _LIST, magic)
    tensors = [reader.tensor() for _ in range(count)]
    reader.expect("number of names", count, *reader.numbers("<Q"))
    names = [reader.name() for _ in range(count)]
    reader.expect("number of different names", count, len(set(names)))
    reader.expect("size in bytes", reader.position, len(reader.data))
    return dict(zip(names, tensors, strict=True))


class _Reader:
    def __init__(self, file: Path) -> None:
        self.file, self.data, self.position = file, file.read_bytes(), 0

    def take(self, size: int) -> bytes:
        start, left = self.position, len(self.data) - self.position
        if not 0 <= size <= left:
            raise ValueError(f"{self.file}: byte {start}: {size} bytes wanted, {left} left")
        self.position += size
        return self.data[start : self.position]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def expect(self, what: str, wanted: int, found: int) -> None:
        if found != wanted:
            raise ValueError(f"{self.file}: byte {self.position}: {what} is {found:#x}, must be {wanted:#x}")

    def tensor(self) -> Floats:
        magic, storage, rank = self.numbers("<IiI")
        self.expect("tensor magic", _TENSOR, magic)
        self.expect("storage type", _DENSE, storage)
        shape = self.numbers(f"<{rank}q")
        *_, kind = self.numbers("<3i")
        self.expect("element type", _FLOAT32, kind)
        return np.frombuffer(self.take(4 * math.prod(shape)), "<f4").reshape(shape)

    def name(self) -> str:
        return self.take(*self.numbers("<Q")).decode()
