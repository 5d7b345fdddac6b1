"""The network of Real-ESRGAN as a torch module. Its parts have the names of the tensors in its files.

Papers: ESRGAN (https://arxiv.org/abs/1809.00219), Real-ESRGAN (https://arxiv.org/abs/2107.10833).
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

CONVOLUTIONS, DENSE = 5, 3  # convolutions of a dense block, dense blocks of a block
RESIDUAL = 0.2  # factor of what a block adds to its input
SLOPE = 0.2  # slope of the leaky ReLU for negative values


def real_esrgan(file: Path) -> "RRDBNet":
    """Loads the frozen network. The tensors of the file give its width and depth.

    Raises RuntimeError with the names of all tensors that are missing, left over or misshapen.
    """
    state = torch.load(file, map_location="cpu", weights_only=True)["params_ema"]
    channels, inputs = state["conv_first.weight"].shape[:2]
    growth = len(state["body.0.rdb1.conv1.weight"])
    blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
    network = RRDBNet(channels, growth, blocks, shrink=2 if inputs == 12 else 1)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


class RRDBNet(nn.Module):
    """Enlarges (N, 3, H, W) RGB in 0..255 by 4 / shrink.

    shrink: the factor by which the network first divides the sides of the image.
    """

    def __init__(self, channels: int, growth: int, blocks: int, *, shrink: int) -> None:
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(shrink)
        self.conv_first = _convolution(3 * shrink**2, channels)
        self.body = nn.Sequential(*(_Block(channels, growth) for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (
            _convolution(channels, channels) for _ in range(4)
        )
        self.conv_last = _convolution(channels, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv_first(self.unshuffle(images / 255))
        features = features + self.conv_body(self.body(features))
        for doubling in (self.conv_up1, self.conv_up2):
            features = _activated(doubling(functional.interpolate(features, scale_factor=2)))
        return self.conv_last(_activated(self.conv_hr(features))) * 255  # type: ignore[no-any-return]


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
