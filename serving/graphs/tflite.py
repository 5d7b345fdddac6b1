"""Reads TFLite files (https://ai.google.dev/edge/litert), float or half precision, into a graph."""

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tflite

from serving.arrays import Array

from .graph import Graph, Node

_NAMES = {number: name for name, number in vars(tflite.BuiltinOperator).items() if name.isupper()}
_PADDINGS = {tflite.Padding.SAME: "SAME", tflite.Padding.VALID: "VALID"}
_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: None,
    tflite.ActivationFunctionType.RELU: "relu",
    tflite.ActivationFunctionType.RELU6: "relu6",
}
_TYPES: Mapping[int, np.dtype[Any]] = {
    tflite.TensorType.FLOAT32: np.dtype("<f4"),
    tflite.TensorType.FLOAT16: np.dtype("<f2"),
    tflite.TensorType.INT32: np.dtype("<i4"),
}
_IDENTIFIER = b"TFL3"


def read(file: Path) -> Graph:
    """Returns the graph of the file. Raises ValueError, which names the file and the fault."""
    content = file.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ValueError(f"{file}: this is no TFLite file")
    try:
        return _Reader(tflite.Model.GetRootAs(content, 0)).graph()
    except (ValueError, KeyError, IndexError, struct.error, AttributeError, TypeError) as error:
        raise ValueError(f"{file}: {error or type(error).__name__}") from error


class _Reader:
    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.Subgraphs(0)
        self._constants = {
            name: value
            for index in range(self._graph.TensorsLength())
            if (value := self._constant(index)) is not None
            for name in [self._name(index)]
        }

    def graph(self) -> Graph:
        nodes = tuple(self._nodes())
        used = {name for node in nodes for name in node.inputs}
        given = self._graph.Inputs(0)
        return Graph(
            nodes=nodes,
            constants={name: value for name, value in self._constants.items() if name in used},
            input=self._name(given),
            input_shape=tuple(map(int, self._graph.Tensors(given).ShapeAsNumpy())),
            outputs=tuple(map(self._name, self._graph.OutputsAsNumpy())),
        )

    def _name(self, index: int) -> str:
        return f"{index}:{self._graph.Tensors(index).Name().decode()}"

    def _constant(self, index: int) -> Array | None:
        tensor = self._graph.Tensors(index)
        content = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        if isinstance(content, int):
            return None
        if tensor.Sparsity() is not None:
            raise ValueError(f"the tensor {self._name(index)} is sparse, which is not supported")
        shape = tuple(map(int, tensor.ShapeAsNumpy())) if tensor.ShapeLength() else ()
        found: Array = np.frombuffer(content.tobytes(), _TYPES[tensor.Type()]).reshape(shape)
        return found.astype(np.float32) if found.dtype.kind == "f" else found

    def _nodes(self) -> Iterator[Node]:
        for number in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(number)
            code = self._model.OperatorCodes(operator.OpcodeIndex())
            name = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            kind = code.CustomCode().decode() if name == "CUSTOM" else name
            inputs = tuple(self._name(index) for index in operator.InputsAsNumpy() if index >= 0)
            output = self._name(operator.Outputs(0))
            if kind == "DEQUANTIZE":  # of a constant in half precision, which is float32 already
                self._constants[output] = self._constants[inputs[0]]
                continue
            if kind not in _OPERATORS:
                raise ValueError(f"the operator {kind} is not supported")
            op, options = _OPERATORS[kind](operator)
            if op in ("conv", "depthwise", "conv_transpose"):
                self._lay_out(op, inputs[1])
            yield Node(op=op, inputs=inputs, output=output, options=options)

    def _lay_out(self, op: str, name: str) -> None:
        """Gives torch's layout to weights: (outputs, H, W, inputs), or (1, H, W, channels) if depthwise."""
        order = {"conv": (0, 3, 1, 2), "depthwise": (3, 0, 1, 2), "conv_transpose": (3, 0, 1, 2)}[op]
        self._constants[name] = np.ascontiguousarray(self._constants[name].transpose(order))


_Options = tuple[str, Mapping[str, Any]]


def _table(operator: Any, kind: type[Any]) -> Any:
    table = kind()
    table.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    return table


def _plain(op: str) -> Callable[[Any], _Options]:
    return lambda _: (op, {})


def _activated(op: str, kind: type[Any]) -> Callable[[Any], _Options]:
    return lambda operator: (
        op,
        {"activation": _ACTIVATIONS[_table(operator, kind).FusedActivationFunction()]},
    )


def _windowed(op: str, kind: type[Any]) -> Callable[[Any], _Options]:
    def options(operator: Any) -> _Options:
        table = _table(operator, kind)
        found: dict[str, Any] = {
            "stride": (table.StrideH(), table.StrideW()),
            "padding": _PADDINGS[table.Padding()],
            "activation": _ACTIVATIONS[table.FusedActivationFunction()],
        }
        if kind is tflite.Pool2DOptions:
            return op, found | {"window": (table.FilterHeight(), table.FilterWidth())}
        return op, found | {"dilation": (table.DilationHFactor(), table.DilationWFactor())}

    return options


def _transposed_with_bias(operator: Any) -> _Options:
    """MediaPipe's own operator: the padding, and the strides along the width and the height, as int32."""
    padding, across, down = struct.unpack("<3i", operator.CustomOptionsAsNumpy().tobytes()[:12])
    return "conv_transpose", {"stride": (down, across), "padding": {1: "SAME", 2: "VALID"}[padding]}


def _resized(operator: Any) -> _Options:
    table = _table(operator, tflite.ResizeBilinearOptions)
    corners, centres = table.AlignCorners(), table.HalfPixelCenters()
    return "resize_bilinear", {"align_corners": corners, "half_pixel_centers": centres}


def _concatenated(operator: Any) -> _Options:
    return "concat", {"axis": _table(operator, tflite.ConcatenationOptions).Axis()}


def _reshaped(operator: Any) -> _Options:
    if operator.BuiltinOptions() is None:  # then the shape is the second input
        return "reshape", {}
    return "reshape", {"shape": _table(operator, tflite.ReshapeOptions).NewShapeAsNumpy()}


def _mean(operator: Any) -> _Options:
    return "mean", {"keep_dims": _table(operator, tflite.ReducerOptions).KeepDims()}


_OPERATORS: Mapping[str, Callable[[Any], _Options]] = MappingProxyType(
    {
        "ADD": _activated("add", tflite.AddOptions),
        "MUL": _activated("mul", tflite.MulOptions),
        "CONV_2D": _windowed("conv", tflite.Conv2DOptions),
        "DEPTHWISE_CONV_2D": _windowed("depthwise", tflite.DepthwiseConv2DOptions),
        "Convolution2DTransposeBias": _transposed_with_bias,
        "MAX_POOL_2D": _windowed("max_pool", tflite.Pool2DOptions),
        "AVERAGE_POOL_2D": _windowed("avg_pool", tflite.Pool2DOptions),
        "RESIZE_BILINEAR": _resized,
        "CONCATENATION": _concatenated,
        "MEAN": _mean,
        "PAD": _plain("pad"),
        "PRELU": _plain("prelu"),
        "RELU": _plain("relu"),
        "HARD_SWISH": _plain("hard_swish"),
        "LOGISTIC": _plain("sigmoid"),
        "RESHAPE": _reshaped,
    }
)
