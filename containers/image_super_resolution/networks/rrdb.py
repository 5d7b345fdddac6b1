"""The network of Real-ESRGAN as a torch module. Its parts have the names and the order of the published one.

Papers: ESRGAN (https://arxiv.org/abs/1809.00219), Real-ESRGAN (https://arxiv.org/abs/2107.10833).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from serving.weights.ncnn import read

CONVOLUTIONS, DENSE = 5, 3  # convolutions of a dense block, dense blocks of a block
AROUND = 6  # convolutions outside the blocks
RESIDUAL = 0.2  # factor of what a block adds to its input
SLOPE = 0.2  # slope of the leaky ReLU for negative values


def real_esrgan(layers: Path, parameters: Path, scale: int) -> "RRDBNet":
    """Loads the frozen network from ncnn's two files, for scale 4 or 2.

    The files have the convolutions in the order of this module's, without their names. Their sizes give the
    network's width and depth. Raises ValueError, which names the file, when they are not such a network's.
    """
    tensors = [torch.from_numpy(np.array(each)) for each in read(layers, parameters).values()]
    blocks, rest = divmod(len(tensors) // 2 - AROUND, CONVOLUTIONS * DENSE)
    if len(tensors) % 2 or rest or blocks < 1:
        raise ValueError(f"{layers}: {len(tensors)} tensors, which are not those of Real-ESRGAN x4")
    network = RRDBNet(len(tensors[0]), len(tensors[2]), blocks, scale)
    try:
        network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
    except RuntimeError as error:
        raise ValueError(f"{parameters}: {error}") from error
    return network.eval().requires_grad_(False)


class RRDBNet(nn.Module):
    """Enlarges (N, 3, H, W) RGB in 0..255 by four, and reduces the result to the scale by its mean."""

    def __init__(self, channels: int, growth: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.conv_first = _convolution(3, channels)
        self.body = nn.Sequential(*(_Block(channels, growth) for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (
            _convolution(channels, channels) for _ in range(4)
        )
        self.conv_last = _convolution(channels, 3)
        self.reduced = nn.AvgPool2d(4 // scale)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv_first(images / 255)
        features = features + self.conv_body(self.body(features))
        for doubling in (self.conv_up1, self.conv_up2):
            features = _activated(doubling(functional.interpolate(features, scale_factor=2)))
        enlarged = self.conv_last(_activated(self.conv_hr(features))).clamp(0, 1)
        return self.reduced(enlarged) * 255  # type: ignore[no-any-return]


class _Block(nn.Module):
    """A residual block: it adds the result of three dense blocks to its input."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(channels, growth) for _ in range(DENSE))

    def forward(self, features: Tensor) -> Tensor:
        return features + RESIDUAL * self.rdb3(self.rdb2(self.rdb1(features)))  # type: ignore[no-any-return]


class _Dense(nn.Module):
    """A dense block: each convolution sees the features and the results of all earlier convolutions."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for number in range(1, CONVOLUTIONS + 1):
            outputs = channels if number == CONVOLUTIONS else growth
            self.add_module(f"conv{number}", _convolution(channels + (number - 1) * growth, outputs))

    def forward(self, features: Tensor) -> Tensor:
        seen = features
        *dense, last = self.children()
        for convolution in dense:
            seen = torch.cat((seen, _activated(convolution(seen))), 1)
        return features + RESIDUAL * last(seen)  # type: ignore[no-any-return]


def _activated(features: Tensor) -> Tensor:
    return functional.leaky_relu(features, SLOPE)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
