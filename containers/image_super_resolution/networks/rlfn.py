"""RLFN as a torch module. Its parts have the names of the tensors in its file.

Paper: Residual Local Feature Network for Efficient Super-Resolution (https://arxiv.org/abs/2205.07514).
The attention is that of RFANet (CVPR 2020). `_Attention` and `_Plausible` describe the two ways in which this
module differs from the paper.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

CHANNELS, WIDE, NARROW = 46, 48, 16
SLOPE = 0.05  # slope of the leaky ReLU for negative values
CELL = 6  # px between the centres of two cells of the attention map; the first centre is at 7 px
DOUBT = 48, 80  # error of a reduced pixel, in levels: below them the network counts, above them bicubic


def rlfn(file: Path, scale: int) -> "RLFN":
    """Loads the frozen network for scale 4 or 2 from RLFN's own file (.pth) or from safetensors.

    A pixel at scale 2 is the mean of 2x2 pixels at scale 4. Raises RuntimeError with the names of all tensors
    that are missing, left over or misshapen.
    """
    if file.suffix == ".pth":
        state = torch.load(file, map_location="cpu", weights_only=True)
    else:
        state = {name: tensor.float() for name, tensor in load_file(file).items()}
    blocks = len({name.partition(".")[0] for name in state if name.startswith("B")})
    network = RLFN(4, blocks)
    network.load_state_dict(state)
    return network.shrunk_to(scale).eval().requires_grad_(False)


class RLFN(nn.Module):
    """Enlarges (N, 3, H, W) RGB in 0..255 to (N, 3, scale H, scale W) in 0..255.

    H and W are multiples of 6 and at least 18. blocks: four in the paper, two in this project's own weights.
    """

    def __init__(self, scale: int, blocks: int) -> None:
        super().__init__()
        self.fea_conv = _convolution(3, CHANNELS)
        self.names = [f"B{number}" for number in range(1, blocks + 1)]
        for name in self.names:
            self.add_module(name, _Block())
        self.LR_conv = _convolution(CHANNELS, CHANNELS)
        self.upsampler = nn.Sequential(_convolution(CHANNELS, 3 * scale**2))
        self.plausible, self.shuffle = _Plausible(scale), nn.PixelShuffle(scale)

    def shrunk_to(self, scale: int) -> "RLFN":
        """Returns this network for scale 4, or for scale 2 a network that gives the mean of 2x2 pixels.

        The mean and the last convolution are both linear, so the convolution can include the mean.
        """
        if scale == 4:
            return self
        state, network = self.state_dict(), RLFN(2, len(self.names))
        for name in ("upsampler.0.weight", "upsampler.0.bias"):
            parts = state[name].unflatten(0, (3, 2, 2, 2, 2))  # colour, row, half row, column, half column
            state[name] = parts.mean((2, 4)).flatten(0, 2)
        network.load_state_dict(state)
        return network

    def forward(self, images: Tensor) -> Tensor:
        enlarged = self.plausible(self.upsampler(self.features(images)), images)
        return self.shuffle(enlarged)  # type: ignore[no-any-return]

    def features(self, images: Tensor) -> Tensor:
        """Returns the (N, 46, H, W) features that the upsampler turns into pixels."""
        first = deep = self.fea_conv(images)
        for name in self.names:
            deep = self.get_submodule(name)(deep)
        return self.LR_conv(deep) + first  # type: ignore[no-any-return]


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c1_r, self.c2_r = _convolution(CHANNELS, WIDE), _convolution(WIDE, WIDE)
        self.c3_r = _convolution(WIDE, CHANNELS)
        self.c5 = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.esa = _Attention()

    def forward(self, features: Tensor) -> Tensor:
        local = features
        for convolution in (self.c1_r, self.c2_r, self.c3_r):
            local = functional.leaky_relu(convolution(local), SLOPE)
        return self.esa(self.c5(local + features))  # type: ignore[no-any-return]


class _Attention(nn.Module):
    """Enhanced spatial attention multiplies features by a map that is computed at a sixth of the resolution.

    The paper stretches that map to the size of the features, so a cell's place depends on the size of the
    image. Here the map is enlarged by exactly six, and every cell stays where it was computed. So a tile
    gives the same result as the whole image. On photographs the quality is the same to 0.01 dB.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv4 = nn.Conv2d(CHANNELS, NARROW, 1), nn.Conv2d(NARROW, CHANNELS, 1)
        self.conv_f = nn.Conv2d(NARROW, NARROW, 1)
        self.conv2, self.conv3 = nn.Conv2d(NARROW, NARROW, 3, 2), _convolution(NARROW, NARROW)

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        narrow = self.conv1(features)
        cells = self.conv3(functional.max_pool2d(self.conv2(narrow), 7, 3))
        cells = functional.pad(cells, (1, 4, 1, 4), mode="replicate")
        wide = functional.interpolate(cells, scale_factor=CELL, mode="bilinear")
        wide = wide[..., 2 : 2 + height, 2 : 2 + width]
        return features * torch.sigmoid(self.conv4(wide + self.conv_f(narrow)))


class _Plausible(nn.Module):
    """Replaces implausible results with bicubic interpolation.

    A result is implausible when its reduced copy is far from the original. On patterns of single black and
    white pixels the network's values grow without bound. Photographs and text stay below the lower limit of
    `DOUBT`. Input and output have the layout of RLFN's upsampler: one original pixel has a channel for each
    enlarged pixel and colour.
    """

    bicubic: Tensor

    def __init__(self, scale: int) -> None:
        super().__init__()
        points = torch.eye(25).view(25, 1, 5, 5)
        spread = functional.interpolate(points, scale_factor=scale, mode="bicubic")
        kernels = spread[:, 0, 2 * scale : 3 * scale, 2 * scale : 3 * scale].flatten(1).T.view(-1, 1, 5, 5)
        self.register_buffer("bicubic", kernels.repeat(3, 1, 1, 1), persistent=False)
        self.parts = scale**2  # enlarged pixels of one original pixel, each a channel

    def forward(self, enlarged: Tensor, images: Tensor) -> Tensor:
        plain = functional.conv2d(images, self.bicubic, padding=2, groups=3)
        finite = enlarged.abs() < 1e4  # NaN fails the comparison too
        enlarged = torch.where(finite, enlarged, plain).clamp(0, 255)
        colours = torch.unflatten(enlarged, 1, (3, self.parts)).mean(2)
        missed = functional.max_pool2d((colours - images).abs().amax(1, keepdim=True), 5, 1, 2)
        certain, hopeless = DOUBT
        doubt = ((missed - certain) / (hopeless - certain)).clamp(0, 1)
        return enlarged + doubt * (plain - enlarged)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
