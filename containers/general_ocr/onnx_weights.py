"""Reads the trained parameters and the character list of the PP-OCRv6 files without torch.

Upstream: PaddleOCR's PP-OCRv6, exported with paddle2onnx (Apache-2.0), from the `rapidocr` package.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, numpy_helper

from serving.arrays import Floats


class Layer(NamedTuple):
    """A layer of the network.

    name: of its weight in the file. parameters: float32 `weight` and optionally `bias`, in torch's layout.
    """

    name: str
    parameters: dict[str, Floats]


def layers(file: Path) -> Iterator[Layer]:
    """Yields convolutions, linear layers and layer norms in execution order, with batch norm folded in."""
    graph = onnx.load(file).graph
    tensors: dict[str, Floats] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    consumer = {name: node for node in graph.node for name in node.input}
    for node in graph.node:
        if node.op_type not in {"Conv", "ConvTranspose", "MatMul", "Mul"}:
            continue
        weight = tensors.get(node.input[1])
        if (
            weight is None or weight.size == 1
        ):  # not a layer: a product of two activations, or with a constant
            continue
        follower = consumer.get(node.output[0])
        while follower is not None and follower.op_type == "Identity":
            follower = consumer.get(follower.output[0])
        weight = weight.T if node.op_type == "MatMul" else weight
        yield Layer(node.input[1], _with_bias(weight, follower, tensors))


def _with_bias(weight: Floats, follower: NodeProto | None, tensors: dict[str, Floats]) -> dict[str, Floats]:
    if follower is not None and follower.op_type == "BatchNormalization":
        gain, shift, mean, variance = (tensors[name] for name in follower.input[1:])
        epsilon = next(attribute.f for attribute in follower.attribute if attribute.name == "epsilon")
        gain = gain / np.sqrt(variance + epsilon)
        return {"weight": weight * gain.reshape(-1, 1, 1, 1), "bias": shift - mean * gain}
    if follower is not None and follower.op_type == "Add" and follower.input[1] in tensors:
        return {"weight": weight, "bias": tensors[follower.input[1]].reshape(-1)}
    return {"weight": weight}


def characters(weights: Path) -> tuple[str, ...]:
    """Returns the text of every class of a recogniser. Index 0 is the CTC blank, ''.

    weights: an .onnx file, whose metadata list the classes between the blank and the last class, a space.
    Raises ValueError when there is no such list.
    """
    metadata = {entry.key: entry.value for entry in onnx.load(weights).metadata_props}
    if "character" not in metadata:
        raise ValueError(f"{weights}: no `character` in the metadata, so this is not a recogniser")
    return ("", *metadata["character"].splitlines(), " ")
