"""MobileFace identification V2, a network of inverted residuals (MobileNetV2, https://arxiv.org/abs/1801.04381).

Upstream is becauseofAI/MobileFace (MIT). Its MXNet graph has 38 layers, each followed by a batch norm.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from serving.weights import mxnet_params

_STAGES = (32, 32, 64, 128)  # channels between blocks; each stage has three blocks
_EPSILON = 1e-3  # of the batch norms; the default of MXNet, because the graph names no value
# The names of the layers in the MXNet graph, in the order of the modules of `MobileFace`:
_LAYERS = (
    *("conv1", "bn1"),
    *(f"{kind}{index}" for index in range(36) for kind in ("convolution", "batchnorm")),
    *("fc5", "fc5_bn"),
)
_TENSOR = re.compile(r"(?:arg|aux):(\w+?)_(weight|bias|gamma|beta|moving_mean|moving_var)")
_KINDS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_var": "running_var"}


def mobileface(file: Path) -> "MobileFace":
    """Loads the frozen network from the .params file, which must contain all its tensors and no others.

    Raises ValueError for a damaged file, RuntimeError naming the tensors that do not fit.
    """
    with torch.device("meta"):
        network = MobileFace()
    with_parameters = (name for name, part in network.named_modules() if list(part.parameters(recurse=False)))
    layers = dict(zip(_LAYERS, with_parameters, strict=True))
    state = {
        _torch_name(name, layers): torch.tensor(tensor) for name, tensor in mxnet_params.read(file).items()
    }
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def _torch_name(name: str, layers: Mapping[str, str]) -> str:
    """Translates a tensor's name in the .params file. layers: the torch names of layers by MXNet names."""
    found = _TENSOR.fullmatch(name)
    layer, kind = found.groups() if found else (name, "")
    return f"{layers.get(layer, layer)}.{_KINDS.get(kind, kind)}"


class MobileFace(nn.Module):
    """The network: (N, 3, 112, 112) float32 RGB in 0..255, aligned -> (N, 256) vectors of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _layer(3, 32, 3, stride=2, bias=True)
        self.blocks = nn.Sequential()
        before = 32
        for after in _STAGES:
            self.blocks.append(_block(before, after, stride=2))
            self.blocks.extend(_Residual(_block(after, after, stride=1)) for _ in range(2))
            before = after
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(128 * 4 * 4, 256, bias=False), nn.BatchNorm1d(256, _EPSILON)
        )

    def forward(self, faces: Tensor) -> Tensor:
        features = self.blocks(self.stem((faces - 127.5) / 128))
        return self.head(features)  # type: ignore[no-any-return]


class _Residual(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, features: Tensor) -> Tensor:
        return features + self.block(features)  # type: ignore[no-any-return]


def _block(before: int, after: int, *, stride: int) -> nn.Sequential:
    inside = 3 * before
    widen, narrow = _layer(before, inside, 1), _layer(inside, after, 1)[:2]
    return nn.Sequential(widen, _layer(inside, inside, 3, stride=stride, groups=inside), narrow)


def _layer(  # noqa: PLR0913
    before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=bias)
    return nn.Sequential(convolution, nn.BatchNorm2d(after, _EPSILON), nn.ReLU6())
