"""A small portrait matting network of plain convolutions, which run faster on CPUs than many thin ones."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 128
_WIDTHS = (24, 56, 80, 80)  # channels at 1/4, 1/8, 1/16 and 1/32
_PATCH = 4  # side in pixels of the squares that are channels at the input and the output


class MatteNetwork(nn.Module):
    """(N, 3, H, W) RGB in -1..1, sides multiples of 32 -> (N, 1, H, W) probability of a person."""

    def __init__(self) -> None:
        super().__init__()
        first = _WIDTHS[0]
        self.stem = nn.Sequential(_layer(3 * _PATCH**2, first), _layer(first, first))
        self.stages = nn.ModuleList(
            nn.Sequential(_layer(fine, coarse, stride=2), _Residual(coarse))
            for fine, coarse in pairwise(_WIDTHS)
        )
        self.joints = nn.ModuleList(_layer(coarse, fine) for fine, coarse in pairwise(_WIDTHS))
        self.head = nn.Sequential(
            _layer(first, first), nn.Conv2d(first, _PATCH**2, 3, padding=1), nn.PixelShuffle(_PATCH)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images).sigmoid()

    def logits(self, images: Tensor) -> Tensor:
        features = [self.stem(F.pixel_unshuffle(images, _PATCH))]
        for stage in self.stages:
            features.append(stage(features[-1]))
        coarse = features.pop()
        coarse = coarse + coarse.mean((2, 3), keepdim=True)
        for joint in reversed(self.joints):
            enlarged = F.interpolate(joint(coarse), scale_factor=2, mode="bilinear", align_corners=False)
            coarse = enlarged + features.pop()
        logits: Tensor = self.head(coarse)
        return logits


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_layer(channels, channels), _layer(channels, channels)[:2])

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.layers(features))


def _layer(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
