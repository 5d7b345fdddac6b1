"""Reads TensorFlow.js weight files: a list of names and shapes, and the numbers one after the other."""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from serving.arrays import Floats


class Quantization(msgspec.Struct, frozen=True):
    """The rule that turns bytes into numbers: `byte * scale + min`."""

    dtype: Annotated[str, Meta(pattern="^uint8$")]
    scale: float
    min: float


class Tensor(msgspec.Struct, frozen=True):
    """One tensor; without `quantization` the file contains float32."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    dtype: Annotated[str, Meta(pattern="^float32$")]
    quantization: Quantization | None = None


class _Group(msgspec.Struct, frozen=True):
    weights: list[Tensor]


class _Model(msgspec.Struct, frozen=True, rename="camel"):
    """A layers model; only the list of its tensors is read."""

    weights_manifest: list[_Group]


def tensors(manifest: Path, numbers: Path) -> dict[str, Floats]:
    """Returns every tensor by name, in TensorFlow's layout. Raises ValueError, which names the wrong file.

    manifest: the list of tensors, alone or inside a layers model. numbers: the file with the numbers.
    """
    try:
        listed = msgspec.json.decode(manifest.read_bytes(), type=list[_Group] | _Model)
    except msgspec.DecodeError as error:
        raise ValueError(f"{manifest}: {error}") from error
    groups = listed.weights_manifest if isinstance(listed, _Model) else listed
    content, found, start = numbers.read_bytes(), {}, 0
    for tensor in (tensor for group in groups for tensor in group.weights):
        kind = np.dtype("uint8" if tensor.quantization else "<f4")
        end = start + kind.itemsize * int(np.prod(tensor.shape))
        if end > len(content):
            raise ValueError(f"{numbers}: {len(content)} bytes, but {tensor.name} ends at {end}")
        array = np.frombuffer(content[start:end], kind).reshape(tensor.shape).astype(np.float32)
        if tensor.quantization:
            array = array * np.float32(tensor.quantization.scale) + np.float32(tensor.quantization.min)
        found[tensor.name], start = array, end
    if start != len(content):
        raise ValueError(
            f"{numbers}: {len(content)} bytes, but the tensors of {manifest.name} end at {start}"
        )
    return found
