"""Inception v3 (https://arxiv.org/abs/1512.00567) as Keras builds it, with folded batch norms.

The convolutions stand in the order in which Keras numbers them, `conv2d_1` to `conv2d_94`.
"""

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Array

CLASSES = 5
Step = tuple[int, int | tuple[int, int]]
"""A convolution inside a chain: its channels, and its height and width. Its input is padded with zeros."""

_HIGH, _WIDE = (7, 1), (1, 7)


def inception_v3(state: Mapping[str, Array]) -> "InceptionV3":
    """Returns the frozen network with that state, which has Keras' names.

    Raises RuntimeError with the names of tensors that do not fit.
    """
    with torch.device("meta"):
        network = InceptionV3()
    layers = [name for name, part in network.named_modules() if isinstance(part, nn.Conv2d)]
    names = {f"conv2d_{number}": layer for number, layer in enumerate(layers, 1)}
    own = {re.sub(r"^\w+", lambda found: names.get(found[0], found[0]), name): state[name] for name in state}
    network.load_state_dict({name: torch.tensor(array) for name, array in own.items()}, assign=True)
    return network.eval().requires_grad_(False)


class InceptionV3(nn.Module):
    """Turns (N, 3, 299, 299) RGB in 0..1 into probabilities, (N, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(_convolution(3, 32, 3, stride=2), _convolution(32, 32, 3), _chain(32, (64, 3))),
            nn.MaxPool2d(3, 2),
            *(_convolution(64, 80, 1), _convolution(80, 192, 3)),
            nn.MaxPool2d(3, 2),
        )
        self.mixed = nn.Sequential(
            *(_mixed_35(before, pooled) for before, pooled in ((192, 32), (256, 64), (288, 64))),
            _Branches(
                _convolution(288, 384, 3, stride=2),
                nn.Sequential(_chain(288, (64, 1), (96, 3)), _convolution(96, 96, 3, stride=2)),
                nn.MaxPool2d(3, 2),
            ),
            *(_mixed_17(inside) for inside in (128, 160, 160, 192)),
            _Branches(
                nn.Sequential(_chain(768, (192, 1)), _convolution(192, 320, 3, stride=2)),
                nn.Sequential(
                    _chain(768, (192, 1), (192, _WIDE), (192, _HIGH)), _convolution(192, 192, 3, stride=2)
                ),
                nn.MaxPool2d(3, 2),
            ),
            *(_mixed_8(before) for before in (1280, 2048)),
        )
        self.dense_1, self.dense_2, self.dense_3 = (
            nn.Linear(*sizes) for sizes in ((2048, 256), (256, 128), (128, CLASSES))
        )

    def forward(self, images: Tensor) -> Tensor:
        pooled = self.mixed(self.stem(images)).mean((2, 3))
        hidden = F.relu(self.dense_2(F.relu(self.dense_1(pooled))))
        probabilities: Tensor = self.dense_3(hidden).softmax(1)
        return probabilities


class _Branches(nn.ModuleList):
    """Branches with the same input, whose outputs are joined."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__(branches)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([branch(features) for branch in self], 1)


def _mixed_35(before: int, pooled: int) -> _Branches:
    """Returns a module for sides of 35."""
    return _Branches(
        _chain(before, (64, 1)),
        _chain(before, (48, 1), (64, 5)),
        _chain(before, (64, 1), (96, 3), (96, 3)),
        nn.Sequential(_average(), _chain(before, (pooled, 1))),
    )


def _mixed_17(inside: int) -> _Branches:
    """Returns a module for sides of 17."""
    return _Branches(
        _chain(768, (192, 1)),
        _chain(768, (inside, 1), (inside, _WIDE), (192, _HIGH)),
        _chain(768, (inside, 1), *((inside, side) for side in (_HIGH, _WIDE, _HIGH)), (192, _WIDE)),
        nn.Sequential(_average(), _chain(768, (192, 1))),
    )


def _mixed_8(before: int) -> _Branches:
    """Returns a module for sides of 8."""
    fork = ((384, (1, 3)),), ((384, (3, 1)),)
    return _Branches(
        _chain(before, (320, 1)),
        nn.Sequential(_chain(before, (384, 1)), _Branches(*(_chain(384, *steps) for steps in fork))),
        nn.Sequential(
            _chain(before, (448, 1), (384, 3)), _Branches(*(_chain(384, *steps) for steps in fork))
        ),
        nn.Sequential(_average(), _chain(before, (192, 1))),
    )


def _average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def _chain(before: int, *steps: Step) -> nn.Sequential:
    chain = nn.Sequential()
    for after, size in steps:
        chain.append(_convolution(before, after, size, padding="same"))
        before = after
    return chain


def _convolution(
    before: int, after: int, size: int | tuple[int, int], *, stride: int = 1, padding: str | int = 0
) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, size, stride, padding), nn.ReLU())
