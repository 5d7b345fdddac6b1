"""PlainNet: convolutions of one size, with residuals around pairs of them, added to bicubic interpolation."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

CHANNELS, BLOCKS = 32, 5
SLOPE = 0.05  # of the leaky ReLU
FOURFOLD = 4


def plain(file: Path, scale: int) -> "PlainNet":
    """Loads a frozen network for scale 4 or 2; at scale 2 a pixel is the mean of 2x2 pixels of scale 4.

    Raises RuntimeError naming every tensor that is missing, left over or misshapen.
    """
    network = PlainNet()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(file).items()})
    return network.shrunk_to(scale).eval().requires_grad_(False)


class PlainNet(nn.Module):
    """(N, 3, H, W) RGB in 0..255 -> (N, 3, scale H, scale W), about 0..255; untrained, it gives bicubic."""

    bicubic: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(3, CHANNELS)
        self.blocks = nn.Sequential(*(_Block() for _ in range(BLOCKS)))
        self.last = _convolution(CHANNELS, 3 * FOURFOLD**2)
        nn.init.zeros_(self.last.weight)
        self.register_buffer("bicubic", _bicubic(FOURFOLD), persistent=False)
        self.scale = FOURFOLD

    def shrunk_to(self, scale: int) -> "PlainNet":
        """Changes the network to the scale, and returns it.

        The mean of pixels is linear, as the last convolution is, so the last convolution can include it.
        """
        each = FOURFOLD // scale
        for channels in (self.last.weight, self.last.bias, self.bicubic):
            if channels is not None:  # 48 channels: 4x4 for each colour
                parts = channels.data.view(3, scale, each, scale, each, *channels.shape[1:])
                channels.data = parts.mean((2, 4)).flatten(0, 2)
        self.scale = scale
        return self

    def forward(self, images: Tensor) -> Tensor:
        images = images / 255
        smooth = functional.conv2d(images, self.bicubic, padding=2, groups=3)
        enlarged = smooth + self.last(self.blocks(self.first(images)))
        return functional.pixel_shuffle(enlarged, self.scale) * 255


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = _convolution(CHANNELS, CHANNELS), _convolution(CHANNELS, CHANNELS)
        nn.init.kaiming_normal_(self.one.weight, a=SLOPE)
        nn.init.normal_(self.two.weight, std=0.016)  # a fifth of the deviation that keeps the variance

    def forward(self, features: Tensor) -> Tensor:
        return features + self.two(functional.leaky_relu(self.one(features), SLOPE))  # type: ignore[no-any-return]


def _bicubic(scale: int) -> Tensor:
    """Returns (3 scale², 1, 5, 5) kernels: the weights of a pixel's neighbours in each part of it.

    The parts are channels.
    """
    points = torch.eye(25).view(25, 1, 5, 5)
    spread = functional.interpolate(points, scale_factor=scale, mode="bicubic")
    kernels = spread[:, 0, 2 * scale : 3 * scale, 2 * scale : 3 * scale].flatten(1).T.view(-1, 1, 5, 5)
    return kernels.repeat(3, 1, 1, 1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution
