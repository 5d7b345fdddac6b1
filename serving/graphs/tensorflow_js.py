"""Reads graph models of TensorFlow.js: a graph of TensorFlow as JSON, and the numbers in a second file."""

import base64
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from serving.arrays import Array
from serving.weights.tensorflow_js import tensors

from .graph import Graph, Node


class _Operation(msgspec.Struct):
    name: str
    op: str
    input: list[str] = []
    attr: dict[str, Any] = {}


class _Topology(msgspec.Struct):
    node: list[_Operation]


class _Signature(msgspec.Struct):
    outputs: dict[str, Any] = {}


class _Model(msgspec.Struct, rename="camel"):
    model_topology: _Topology
    signature: _Signature = msgspec.field(default_factory=_Signature)


def read(topology: Path, numbers: Path) -> Graph:
    """Returns the graph. Raises ValueError, which names the file and the fault."""
    try:
        model = msgspec.json.decode(topology.read_bytes(), type=_Model)
    except msgspec.DecodeError as error:
        raise ValueError(f"{topology}: {error}") from error
    constants = tensors(topology, numbers)
    try:
        return _Reader(model, constants).graph()
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{topology}: {error!r}") from error
    except ValueError as error:
        raise ValueError(f"{topology}: {error}") from error


class _Reader:
    def __init__(self, model: _Model, constants: dict[str, Array]) -> None:
        self._operations, self._constants = model.model_topology.node, dict(constants)
        self._outputs = tuple(name.partition(":")[0] for name in model.signature.outputs)

    def graph(self) -> Graph:
        (given,) = (operation for operation in self._operations if operation.op == "Placeholder")
        nodes = tuple(self._nodes())
        used = {name for node in nodes for name in node.inputs}
        return Graph(
            nodes=nodes,
            constants={name: value for name, value in self._constants.items() if name in used},
            input=given.name,
            input_shape=tuple(int(side["size"]) for side in given.attr["shape"]["shape"]["dim"]),
            outputs=self._outputs,
        )

    def _nodes(self) -> Iterator[Node]:
        """Yields the operations in an order in which each comes after those that it needs."""
        waiting = {each.name: each for each in self._operations if each.op not in ("Const", "Placeholder")}
        while waiting:
            ready = [
                each
                for each in waiting.values()
                if not any(name.partition(":")[0] in waiting for name in each.input)
            ]
            if not ready:
                raise ValueError("the graph has a circle")
            for operation in ready:
                del waiting[operation.name]
                if not self._folded(operation):
                    yield from self._node(operation)

    def _folded(self, operation: _Operation) -> bool:
        """Computes an operation on constants; those give the shapes and paddings of converted graphs."""
        values = [self._constants.get(name) for name in operation.input]
        if operation.op not in _FOLDED or any(value is None for value in values):
            return False
        self._constants[operation.name] = _FOLDED[operation.op](*values)
        return True

    def _node(self, operation: _Operation) -> Iterator[Node]:
        if operation.op not in _OPERATIONS:
            raise ValueError(f"the operation {operation.op} of {operation.name} is not supported")
        op, options = _OPERATIONS[operation.op](operation.attr)
        inputs = tuple(_tensor(name) for name in operation.input if not name.startswith("^"))
        if op in _LAYOUTS:
            if op == "conv_transpose":  # output shape, weights, input
                inputs = inputs[2], inputs[1]
            name = f"{inputs[1]}/{op}"
            self._constants[name] = np.ascontiguousarray(self._constants[inputs[1]].transpose(_LAYOUTS[op]))
            inputs = inputs[0], name, *inputs[2:]
        yield Node(op=op, inputs=inputs, output=operation.name, options=options)


def _tensor(name: str) -> str:
    """Returns the name of a tensor without the number 0 of an output; other numbers belong to a split."""
    operation, _, number = name.partition(":")
    return operation if number in ("", "0") else name


_LAYOUTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"conv": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1), "conv_transpose": (3, 2, 0, 1)}
)
"""How weights, (H, W, inputs, outputs) or (H, W, outputs, inputs) of transposed ones, get torch's layout."""


def _sparse_to_dense(indices: Array, shape: Array, values: Array, default: Array) -> Array:
    dense = np.full(tuple(map(int, shape)), default, values.dtype)
    dense[tuple(np.moveaxis(indices, -1, 0))] = values
    return dense


_FOLDED: Mapping[str, Callable[..., Array]] = MappingProxyType(
    {"SparseToDense": _sparse_to_dense, "AddV2": np.add, "Add": np.add, "Mul": np.multiply}
)

_Attributes = Mapping[str, Any]
_Options = tuple[str, Mapping[str, Any]]


def _text(value: str) -> str:
    return base64.b64decode(value).decode()


def _plain(op: str) -> Callable[[_Attributes], _Options]:
    return lambda _: (op, {})


def _activation(attributes: _Attributes) -> str | None:
    fused = [_text(value) for value in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]
    others = [name for name in fused if name != "BiasAdd"]
    return {(): None, ("Relu",): "relu", ("Relu6",): "relu6"}[tuple(others)]


def _windowed(op: str) -> Callable[[_Attributes], _Options]:
    def options(attributes: _Attributes) -> _Options:
        def sides(name: str) -> tuple[int, ...]:
            return tuple(map(int, attributes[name]["list"]["i"][1:3]))

        found: dict[str, Any] = {
            "stride": sides("strides"),
            "padding": _text(attributes["padding"]["s"]),
            "activation": _activation(attributes),
        }
        if "ksize" in attributes:
            found["window"] = sides("ksize")
        elif op != "conv_transpose":
            found["dilation"] = sides("dilations")
        return op, found

    return options


def _resized(attributes: _Attributes) -> _Options:
    return "resize_bilinear", {
        name: attributes[name]["b"] for name in ("align_corners", "half_pixel_centers")
    }


def _leaky(attributes: _Attributes) -> _Options:
    return "leaky_relu", {"slope": attributes["alpha"]["f"]}


def _mean(attributes: _Attributes) -> _Options:
    return "mean", {"keep_dims": attributes["keep_dims"]["b"]}


def _multiplied(attributes: _Attributes) -> _Options:
    return "matmul", {"activation": _activation(attributes)}


_OPERATIONS: Mapping[str, Callable[[_Attributes], _Options]] = MappingProxyType(
    {
        **{name: _plain("add") for name in ("Add", "AddV2", "AddN")},
        **{name: _plain("pad") for name in ("Pad", "PadV2")},
        "Mul": _plain("mul"),
        "Minimum": _plain("minimum"),
        "Maximum": _plain("maximum"),
        "Relu": _plain("relu"),
        "Relu6": _plain("relu6"),
        "LeakyRelu": _leaky,
        "Sigmoid": _plain("sigmoid"),
        "Softmax": _plain("softmax"),
        "Identity": _plain("identity"),
        "Conv2D": _windowed("conv"),
        "DepthwiseConv2dNative": _windowed("depthwise"),
        "Conv2DBackpropInput": _windowed("conv_transpose"),
        "MaxPool": _windowed("max_pool"),
        "AvgPool": _windowed("avg_pool"),
        "ResizeBilinear": _resized,
        "Transpose": _plain("transpose"),
        "Reshape": _plain("reshape"),
        "ConcatV2": _plain("concat"),
        "SplitV": _plain("split"),
        "Mean": _mean,
        "_FusedMatMul": _multiplied,
    }
)
