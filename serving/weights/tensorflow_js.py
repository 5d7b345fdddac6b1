"""Reads TensorFlow.js weight files: a list of names and shapes, and the numbers one after the other."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from serving.arrays import Array


class Quantization(msgspec.Struct, frozen=True):
    """The stored type. Integers turn into numbers by `integer * scale + min`."""

    dtype: Literal["uint8", "uint16", "float16"]
    scale: float = 1.0
    min: float = 0.0


class Tensor(msgspec.Struct, frozen=True):
    """One tensor; without `quantization` the file contains its type."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    dtype: Literal["float32", "int32"]
    quantization: Quantization | None = None


class _Group(msgspec.Struct, frozen=True):
    weights: list[Tensor]


class _Model(msgspec.Struct, frozen=True, rename="camel"):
    """A layers model; only the list of its tensors is read."""

    weights_manifest: list[_Group]


def tensors(manifest: Path, *numbers: Path) -> dict[str, Array]:
    """Returns every tensor by name, float32 or int32, in TensorFlow's layout.

    manifest: the list of tensors, alone or inside a model. numbers: the files with the numbers, in order.
    Raises ValueError, which names the wrong file.
    """
    try:
        listed = msgspec.json.decode(manifest.read_bytes(), type=list[_Group] | _Model)
    except msgspec.DecodeError as error:
        raise ValueError(f"{manifest}: {error}") from error
    groups = listed.weights_manifest if isinstance(listed, _Model) else listed
    content, start = b"".join(file.read_bytes() for file in numbers), 0
    found: dict[str, Array] = {}
    for tensor in (tensor for group in groups for tensor in group.weights):
        stored = tensor.quantization.dtype if tensor.quantization else tensor.dtype
        kind = np.dtype(stored).newbyteorder("<")
        end = start + kind.itemsize * int(np.prod(tensor.shape))
        if end > len(content):
            raise ValueError(f"{numbers[-1]}: {len(content)} bytes, but {tensor.name} ends at {end}")
        array = np.frombuffer(content[start:end], kind).reshape(tensor.shape).astype(tensor.dtype)
        if tensor.quantization and kind.kind == "u":
            array = array * np.float32(tensor.quantization.scale) + np.float32(tensor.quantization.min)
        found[tensor.name], start = array, end
    if start != len(content):
        raise ValueError(
            f"{numbers[-1]}: {len(content)} bytes, but the tensors of {manifest.name} end at {start}"
        )
    return found
