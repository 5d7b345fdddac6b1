"""A network as a list of operations, with the meaning that TensorFlow gives to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation. op: a name of `network.OPERATIONS`. inputs, output: names of tensors or constants."""

    op: str
    inputs: tuple[str, ...]
    output: str
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A network. nodes: in the order of execution. input_shape: (1, H, W, 3) or (1, 3, H, W).

    constants: float32, or integers that give shapes, axes and paddings. The weights of convolutions have the
    layout of torch: (outputs, inputs, H, W).
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    input: str
    input_shape: tuple[int, ...]
    outputs: tuple[str, ...]
