"""Reads the networks of ncnn's plain format: the parameters of convolutions, by the layer's name.

A network is two files. The first is text: the magic number, the numbers of layers and blobs, and one line for
each layer, which is its type, its name, the numbers of its inputs and outputs, their names, and key=value
pairs. The second has the parameters in the order of the layers. Those of a convolution are a u32 tag, its
weight, and its bias in float32, little-endian. ncnn's documentation has the keys:
https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.arrays import Floats

MAGIC = "7767517"
HALF, SINGLE = 0x01306B47, 0  # tags of weights in float16, whose bytes are a multiple of 4, and in float32
KNOWN = {"Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp"}  # layers without parameters
OUTPUTS, WIDTH, BIASED, COUNT, HEIGHT = "0", "1", "5", "6", "11"  # keys of a convolution


class _Convolution(NamedTuple):
    name: str
    outputs: int
    height: int
    width: int
    numbers: int
    biased: bool


def read(layers: Path, parameters: Path) -> dict[str, Floats]:
    """Returns `Conv_0.weight` (outputs, inputs, height, width), `Conv_0.bias` (outputs), and so on, in order.

    Raises ValueError, which names file, line or byte, and fault.
    """
    stream, tensors = _Stream(parameters), dict[str, Floats]()
    for layer in _convolutions(layers):
        weight = stream.weight(layer)
        try:
            shaped = weight.reshape(layer.outputs, -1, layer.height, layer.width)
        except ValueError:
            raise ValueError(
                f"{layers}: {layer.name}: {layer.numbers} numbers do not fit its sides"
            ) from None
        tensors[f"{layer.name}.weight"] = shaped
        if layer.biased:
            tensors[f"{layer.name}.bias"] = stream.numbers("<f4", layer.outputs)
    if stream.position != len(stream.data):
        raise ValueError(f"{parameters}: byte {stream.position}: the layers end here, the file does not")
    return tensors


def _convolutions(file: Path) -> list[_Convolution]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    if lines[:1] != [MAGIC]:
        raise ValueError(f"{file}: line 1 must be {MAGIC}, ncnn's magic number")
    count = lines[1].partition(" ")[0] if len(lines) > 1 else "none"
    if count != str(len(lines) - 2):
        raise ValueError(f"{file}: line 2: {count[:20]} layers, but {max(0, len(lines) - 2)} follow")
    found = [_layer(file, number, line) for number, line in enumerate(lines[2:], 3)]
    return [layer for layer in found if layer]


def _layer(file: Path, number: int, line: str) -> _Convolution | None:
    """Reads a layer's line. Returns None for a layer without parameters."""
    try:
        kind, name, inputs, outputs, *rest = line.split()
        if kind in KNOWN:
            return None
        if kind != "Convolution":
            raise ValueError(f"a layer of type {kind}, must be Convolution or one without parameters")
        pairs = dict(pair.split("=", 1) for pair in rest[int(inputs) + int(outputs) :])
        width = int(pairs[WIDTH])
        height, biased = int(pairs.get(HEIGHT, width)), bool(int(pairs.get(BIASED, 0)))
        return _Convolution(name, int(pairs[OUTPUTS]), height, width, int(pairs[COUNT]), biased)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{file}: line {number}: {error}") from error


class _Stream:
    """The file of parameters, read from front to back."""

    def __init__(self, file: Path) -> None:
        self.file, self.data, self.position = file, file.read_bytes(), 0

    def weight(self, layer: _Convolution) -> Floats:
        (tag,) = self.numbers("<u4", 1)
        if tag == SINGLE:
            return self.numbers("<f4", layer.numbers)
        if tag != HALF:
            raise ValueError(
                f"{self.file}: byte {self.position - 4}: {layer.name} has tag {tag:#x}, "
                f"must be {HALF:#x} or {SINGLE:#x}"
            )
        return self.numbers("<f2", layer.numbers + layer.numbers % 2)[: layer.numbers].astype(np.float32)

    def numbers(self, kind: str, count: int) -> NDArray[Any]:
        size, left = np.dtype(kind).itemsize * count, len(self.data) - self.position
        if not 0 <= size <= left:
            raise ValueError(f"{self.file}: byte {self.position}: {size} bytes wanted, {left} left")
        start, self.position = self.position, self.position + size
        return np.frombuffer(self.data, kind, count, start)
