"""A torch module that runs a graph."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from serving.arrays import Array

from .graph import Graph, Node

_CHANNELS_FIRST = 0, 3, 1, 2


class _Value(NamedTuple):
    """A tensor whose axes are stored in another order: the stored axis i is the axis order[i] of the graph.

    So a transposition costs nothing, and convolutions find their channels first, as torch wants them.
    """

    stored: Tensor
    order: tuple[int, ...]

    def as_in_graph(self) -> Tensor:
        return self.in_order(tuple(range(len(self.order))))

    def in_order(self, order: tuple[int, ...]) -> Tensor:
        """Returns the tensor with its axes stored in that order."""
        if order == self.order:
            return self.stored
        return self.stored.permute([self.order.index(axis) for axis in order])

    def images(self) -> Tensor:
        """Returns (N, C, H, W) of a value that is (N, H, W, C) in the graph."""
        return self.in_order(_CHANNELS_FIRST)


class GraphNetwork(nn.Module):
    """Runs the graph on (N, 3, H, W) images, whatever layout the graph has.

    The outputs have the layout of the graph, with N in place of its 1. outputs: the names of the tensors to
    return; None means the graph's own. Raises ValueError for an unknown name.
    """

    def __init__(self, graph: Graph, outputs: Sequence[str] | None = None) -> None:
        super().__init__()
        self._outputs = tuple(outputs or graph.outputs)
        self._nodes = tuple(_needed(graph.nodes, self._outputs))
        self._input = graph.input
        first = graph.input_shape[1] == 3
        self._order = (0, 1, 2, 3) if first else _CHANNELS_FIRST
        self._integers: dict[str, Array] = {}
        self._names: dict[str, str] = {}
        used = {name for node in self._nodes for name in node.inputs}
        for number, (name, value) in enumerate(graph.constants.items()):
            if name in used and value.dtype.kind == "f":
                self._names[name] = f"constant_{number}"
                self.register_buffer(self._names[name], torch.tensor(value))
            elif name in used:
                self._integers[name] = value

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        values: dict[str, Any] = {name: getattr(self, buffer) for name, buffer in self._names.items()}
        values |= self._integers
        values[self._input] = _Value(images, self._order)
        for node in self._nodes:
            result = OPERATIONS[node.op](node.options, *(values[name] for name in node.inputs))
            parts = result if isinstance(result, list) else [result]
            values |= {f"{node.output}:{number}": part for number, part in enumerate(parts)}
            values[node.output] = parts[0]
        return tuple(values[name].as_in_graph() for name in self._outputs)


def _needed(nodes: Sequence[Node], outputs: Sequence[str]) -> Iterator[Node]:
    """Yields the nodes on which the outputs depend, in order."""
    wanted = set(outputs)
    kept: set[str] = set()
    for node in reversed(nodes):
        if node.output in wanted or any(name.startswith(f"{node.output}:") for name in wanted):
            kept.add(node.output)
            wanted.update(node.inputs)
    if missing := set(outputs) - {node.output for node in nodes}:
        raise ValueError(f"the graph has no tensor {', '.join(sorted(missing))}")
    return (node for node in nodes if node.output in kept)


Options = Mapping[str, Any]


def _activated(tensor: Tensor, options: Options) -> Tensor:
    match options.get("activation"):
        case "relu":
            return functional.relu(tensor)
        case "relu6":
            return functional.relu6(tensor)
    return tensor


def _convolved(groups: Callable[[Tensor], int]) -> Callable[..., _Value]:
    def run(options: Options, value: _Value, weight: Tensor, bias: Tensor | None = None) -> _Value:
        images = value.images()
        stride, dilation = options["stride"], options["dilation"]
        reach = [(side - 1) * step + 1 for side, step in zip(weight.shape[2:], dilation, strict=True)]
        images, padding = _padded(images, reach, stride, options["padding"])
        found = functional.conv2d(images, weight, bias, stride, padding, dilation, groups(weight))
        return _Value(_activated(found, options), _CHANNELS_FIRST)

    return run


def _padded(
    images: Tensor, window: Sequence[int], stride: Sequence[int], padding: str, fill: float = 0.0
) -> tuple[Tensor, tuple[int, int]]:
    """Pads as TensorFlow does, with the odd pixel at the lower right, and returns the padding left to do."""
    if padding == "VALID":
        return images, (0, 0)
    totals = [
        max((math.ceil(int(side) / step) - 1) * step + reach - int(side), 0)
        for side, reach, step in zip(images.shape[2:], window, stride, strict=True)
    ]
    if fill == 0 and all(total % 2 == 0 for total in totals):
        return images, (totals[0] // 2, totals[1] // 2)
    (top, bottom), (left, right) = ((total // 2, total - total // 2) for total in totals)
    return functional.pad(images, (left, right, top, bottom), value=fill), (0, 0)


def _transposed_convolution(
    options: Options, value: _Value, weight: Tensor, bias: Tensor | None = None
) -> _Value:
    images, stride = value.images(), options["stride"]
    found = functional.conv_transpose2d(images, weight, bias, stride)
    if options["padding"] == "SAME":  # the result has `stride` times the size; the borders are cut off
        height, width = (int(side) * step for side, step in zip(images.shape[2:], stride, strict=True))
        top, left = (
            max(int(side) - step, 0) // 2 for side, step in zip(weight.shape[2:], stride, strict=True)
        )
        found = found[:, :, top : top + height, left : left + width]
    return _Value(_activated(found, options), _CHANNELS_FIRST)


def _largest(options: Options, value: _Value) -> _Value:
    images, _ = _padded(value.images(), options["window"], options["stride"], options["padding"], -math.inf)
    found = functional.max_pool2d(images, options["window"], options["stride"])
    return _Value(found, _CHANNELS_FIRST)


def _average(options: Options, value: _Value) -> _Value:
    images = value.images()
    if tuple(options["window"]) == tuple(map(int, images.shape[2:])):
        return _Value(images.mean((2, 3), keepdim=True), _CHANNELS_FIRST)
    if options["padding"] == "SAME":
        raise ValueError("avg_pool: padding SAME is not supported")
    return _Value(functional.avg_pool2d(images, options["window"], options["stride"]), _CHANNELS_FIRST)


def _each(function: Callable[[Tensor], Tensor]) -> Callable[..., _Value]:
    return lambda _, value: _Value(function(value.stored), value.order)


def _both(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., _Value]:
    def run(options: Options, *values: _Value | Tensor) -> _Value:
        order = next(value.order for value in values if isinstance(value, _Value))
        first, *others = (_aligned(value, order) for value in values)
        for other in others:
            first = function(first, other)
        return _Value(_activated(first, options), order)

    return run


def _aligned(value: _Value | Tensor, order: tuple[int, ...]) -> Tensor:
    """Returns the tensor with its axes in that order; a constant of fewer axes gets leading ones."""
    if isinstance(value, _Value):
        return value.in_order(order)
    whole = value.reshape((1,) * (len(order) - value.ndim) + tuple(value.shape))
    return whole.permute(order)


def _prelu(_: Options, value: _Value, slopes: Tensor) -> _Value:
    """slopes: (1, 1, C), one number for each channel."""
    return _Value(functional.prelu(value.images(), slopes.flatten()), _CHANNELS_FIRST)


def _framed(_: Options, value: _Value, widths: Array, fill: Tensor | None = None) -> _Value:
    ordered = [widths[axis] for axis in value.order]
    flat = [int(width) for pair in reversed(ordered) for width in pair]
    number = 0.0 if fill is None else float(fill)
    return _Value(functional.pad(value.stored, flat, value=number), value.order)


def _resized(options: Options, value: _Value, size: Array) -> _Value:
    if not (options["align_corners"] or options["half_pixel_centers"]):
        raise ValueError("resize_bilinear: neither corners nor centres of pixels are aligned")
    images, corners = value.images(), bool(options["align_corners"])
    target = [int(side) for side in size]
    return _Value(
        functional.interpolate(images, size=target, mode="bilinear", align_corners=corners), _CHANNELS_FIRST
    )


def _reshaped(options: Options, value: _Value, shape: Array | None = None) -> _Value:
    """The first side is that of the batch, which the graph fixes at 1."""
    tensor = value.as_in_graph()
    shape = options["shape"] if shape is None else shape
    sides = [int(side) for side in shape[1:]]
    return _Value(tensor.reshape(tensor.shape[0], *sides), tuple(range(len(shape))))


def _transposed(_: Options, value: _Value, order: Array) -> _Value:
    """The axis i of the result is the axis order[i] of the value, so only the names of the axes change."""
    names = {int(axis): number for number, axis in enumerate(order)}
    return _Value(value.stored, tuple(names[axis] for axis in value.order))


def _concatenated(options: Options, *inputs: Any) -> _Value:
    values = [value for value in inputs if isinstance(value, _Value)]
    axis = options["axis"] if "axis" in options else int(inputs[-1])
    order = values[0].order
    place = order.index(axis % len(order))
    return _Value(torch.cat([value.in_order(order) for value in values], place), order)


def _split(_: Options, value: _Value, sizes: Array, axis: Array) -> list[_Value]:
    place = value.order.index(int(axis) % len(value.order))
    return [_Value(part, value.order) for part in torch.split(value.stored, list(map(int, sizes)), place)]


def _mean(options: Options, value: _Value, axes: Array) -> _Value:
    wanted = [int(axis) % len(value.order) for axis in np.atleast_1d(axes)]
    places = [value.order.index(axis) for axis in wanted]
    found = value.stored.mean(places, keepdim=True)
    if options["keep_dims"]:
        return _Value(found, value.order)
    kept = [axis for axis in range(len(value.order)) if axis not in wanted]
    squeezed = _Value(found, value.order).as_in_graph().flatten(1)
    return _Value(squeezed, tuple(range(len(kept))))


def _multiplied(options: Options, value: _Value, weight: Tensor, bias: Tensor | None = None) -> _Value:
    found = value.as_in_graph() @ weight
    found = found if bias is None else found + bias
    return _Value(_activated(found, options), value.order)


def _softmax(_: Options, value: _Value) -> _Value:
    return _Value(value.stored.softmax(value.order.index(len(value.order) - 1)), value.order)


def _leaky(options: Options, value: _Value) -> _Value:
    return _Value(functional.leaky_relu(value.stored, options["slope"]), value.order)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "conv": _convolved(lambda _: 1),
        "depthwise": _convolved(len),
        "conv_transpose": _transposed_convolution,
        "max_pool": _largest,
        "avg_pool": _average,
        "mean": _mean,
        "add": _both(torch.add),
        "mul": _both(torch.mul),
        "minimum": _both(torch.minimum),
        "maximum": _both(torch.maximum),
        "relu": _each(functional.relu),
        "relu6": _each(functional.relu6),
        "leaky_relu": _leaky,
        "hard_swish": _each(functional.hardswish),
        "sigmoid": _each(torch.sigmoid),
        "softmax": _softmax,
        "identity": _each(lambda tensor: tensor),
        "prelu": _prelu,
        "pad": _framed,
        "resize_bilinear": _resized,
        "reshape": _reshaped,
        "transpose": _transposed,
        "concat": _concatenated,
        "split": _split,
        "matmul": _multiplied,
    }
)
"""The functions of the operations. Each takes the options and the inputs: values, tensors or integers."""
