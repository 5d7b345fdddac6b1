"""From nsfwjs's TensorFlow.js layers model to the tensors of MobileNetV2 as torch has them."""

import re
from pathlib import Path

import numpy as np

from serving.arrays import Floats
from serving.weights.tensorflow_js import tensors

_EPSILON = 1e-3  # of every batch norm of the graph
_NORMS = {"Conv1": "bn_Conv1", "Conv_1": "Conv_1_bn"}  # all other convolutions': their names and _BN
_NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")
_KERNEL = re.compile(r"(\w+)/(depthwise_kernel|kernel)")


def imported(layers: Path, numbers: Path) -> dict[str, Floats]:
    """The state of `network.MobileNetV2`, each batch norm folded into the convolution before it.

    Raises ValueError naming the file that is damaged, or its first tensor that is missing or left over.
    """
    values = tensors(layers, numbers)
    state: dict[str, Floats] = {}
    used: set[str] = set()
    for layer, kind in (match.groups() for name in values if (match := _KERNEL.fullmatch(name))):
        parts = [f"{layer}/{kind}", *_others(layer)]
        if missing := [name for name in parts if name not in values]:
            raise ValueError(f"{layers}: no tensor {missing[0]}")
        used.update(parts)
        weight, bias = _folded(kind, *(values[name] for name in parts))
        name = re.sub(r"(expanded_conv|block_\d+)_", r"blocks.\1.", layer)
        state |= {f"{name}.weight": np.ascontiguousarray(weight), f"{name}.bias": bias}
    if left := sorted(values.keys() - used):
        raise ValueError(f"{layers}: {left[0]} is of no layer with a kernel")
    return state


def _others(layer: str) -> list[str]:
    """The tensors that belong to the layer's kernel."""
    if layer.startswith("dense"):
        return [f"{layer}/bias"]
    return [f"{_NORMS.get(layer, f'{layer}_BN')}/{part}" for part in _NORM_PARTS]


def _folded(kind: str, kernel: Floats, *others: Floats) -> tuple[Floats, Floats]:
    """Weight and bias."""
    if len(others) == 1:
        return kernel.T, others[0]
    gamma, beta, mean, variance = others
    scale = gamma / np.sqrt(variance + np.float32(_EPSILON))
    # TensorFlow: height, width, in, out; of a depthwise convolution the channels and how many of each
    weight = kernel.transpose((2, 3, 0, 1) if kind == "depthwise_kernel" else (3, 2, 0, 1))
    return weight * scale[:, None, None, None], beta - mean * scale
