"""Computes a TensorFlow.js layers model from its JSON in numpy, by the definitions of its layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from serving.arrays import Floats


def outputs(topology: Mapping[str, Any], values: Mapping[str, Floats], images: Floats) -> Floats:
    """Returns the last layer's outputs. values: weights by TensorFlow's names. images: (N, H, W, C)."""
    known: dict[str, Floats] = {}
    for layer in topology["layers"]:
        sources = [known[source] for node in layer["inbound_nodes"] for source, *_ in node] or [images]
        own = {
            name.partition("/")[2]: value for name, value in values.items() if _owner(name) == layer["name"]
        }
        known[layer["name"]] = _layer(layer["class_name"], layer["config"], own, *sources)
    return known[topology["output_layers"][0][0]]


def _owner(name: str) -> str:
    return name.partition("/")[0]


def _layer(  # noqa: C901, PLR0911  (one case per kind of layer)
    kind: str, config: Mapping[str, Any], own: Mapping[str, Floats], source: Floats, *others: Floats
) -> Floats:
    match kind:
        case "InputLayer" | "Dropout":
            return source
        case "ZeroPadding2D":
            return np.pad(source, [(0, 0), *config["padding"], (0, 0)])
        case "Conv2D":
            return np.asarray(np.tensordot(_windows(source, config, own["kernel"].shape), own["kernel"], 3))
        case "DepthwiseConv2D":
            kernel = own["depthwise_kernel"]
            windows = _windows(source, config, kernel.shape)
            return np.asarray(np.einsum("nhwijc,ijc->nhwc", windows, kernel[..., 0]))
        case "BatchNormalization":
            deviation = np.sqrt(own["moving_variance"] + config["epsilon"])
            return np.asarray((source - own["moving_mean"]) / deviation * own["gamma"] + own["beta"])
        case "ReLU":
            return np.clip(source, 0, config["max_value"])
        case "Add":
            return source + others[0]
        case "AveragePooling2D":
            return np.asarray(_windows(source, config, config["pool_size"]).mean((3, 4)))
        case "Flatten":
            return source.reshape(len(source), -1)
        case "Dense":
            return _activated(config["activation"], source @ own["kernel"] + own["bias"])
    raise NotImplementedError(kind)


def _windows(source: Floats, config: Mapping[str, Any], kernel: tuple[int, ...]) -> Floats:
    """Returns (N, rows, columns, height, width, C): the area that the kernel covers at each place."""
    (height, width), (down, across) = kernel[:2], config["strides"]
    if config["padding"] == "same":
        source = np.pad(
            source,
            [(0, 0), _same(source.shape[1], height, down), _same(source.shape[2], width, across), (0, 0)],
        )
    windows = sliding_window_view(source, (height, width), (1, 2))[:, ::down, ::across]
    return np.moveaxis(windows, 3, -1)


def _same(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Returns the numbers of zeros before and after; an odd total has one more after."""
    needed = max(0, (-(-length // stride) - 1) * stride + kernel - length)
    return needed // 2, needed - needed // 2


def _activated(name: str, source: Floats) -> Floats:
    match name:
        case "relu":
            return np.maximum(source, 0)
        case "softmax":
            exponents = np.exp(source - source.max(axis=1, keepdims=True))
            return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
    raise NotImplementedError(name)
