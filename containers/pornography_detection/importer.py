"""Converts the TensorFlow.js files of nsfwjs to the tensors of its two networks."""

import re
from pathlib import Path

import numpy as np

from serving.arrays import Floats
from serving.weights.tensorflow_js import tensors

_EPSILON = 1e-3  # the same in every batch norm of the graph
_NORMS = {"Conv1": "bn_Conv1", "Conv_1": "Conv_1_bn"}  # other batch norms: the convolution's name and _BN
_NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")
_KERNEL = re.compile(r"(\w+)/(depthwise_kernel|kernel)")


def imported(listed: Path, *numbers: Path) -> dict[str, Floats]:
    """Returns the state of the network, with each batch norm folded into the convolution before it.

    listed: the list of tensors. numbers: the files that contain them, in order. Raises
    ValueError with the name of the damaged file, or of the first tensor that is missing or left over.
    """
    values = tensors(listed, *numbers)
    state: dict[str, Floats] = {}
    used: set[str] = set()
    for layer, kind in (match.groups() for name in values if (match := _KERNEL.fullmatch(name))):
        parts = [f"{layer}/{kind}", *_others(layer)]
        if missing := [name for name in parts if name not in values]:
            raise ValueError(f"{listed}: no tensor {missing[0]}")
        used.update(parts)
        weight, bias = _folded(kind, *(values[name] for name in parts))
        name = re.sub(r"(expanded_conv|block_\d+)_", r"blocks.\1.", layer)
        state |= {f"{name}.weight": np.ascontiguousarray(weight), f"{name}.bias": bias}
    if left := sorted(values.keys() - used):
        raise ValueError(f"{listed}: {left[0]} does not belong to a layer with a kernel")
    return state


def _others(layer: str) -> list[str]:
    """Returns the names of the tensors that belong to the layer's kernel."""
    if layer.startswith("dense"):
        return [f"{layer}/bias"]
    if layer.startswith("conv2d"):  # of Inception, whose batch norms have no gamma
        return [f"{layer.replace('conv2d', 'batch_normalization')}/{part}" for part in _NORM_PARTS[1:]]
    return [f"{_NORMS.get(layer, f'{layer}_BN')}/{part}" for part in _NORM_PARTS]


def _folded(kind: str, kernel: Floats, *others: Floats) -> tuple[Floats, Floats]:
    """Returns weight and bias of a layer. others: its bias, or the parts of its batch norm."""
    if len(others) == 1:
        return kernel.T, others[0]
    *gamma, beta, mean, variance = others
    scale = (gamma[0] if gamma else np.float32(1)) / np.sqrt(variance + np.float32(_EPSILON))
    # TensorFlow has height, width, in, out. A depthwise convolution has the channels and a multiplier last.
    weight = kernel.transpose((2, 3, 0, 1) if kind == "depthwise_kernel" else (3, 2, 0, 1))
    return weight * scale[:, None, None, None], beta - mean * scale
