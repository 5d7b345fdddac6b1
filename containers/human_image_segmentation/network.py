"""SINet as a torch module. The modules have the names of the tensors in its weight file.

The paper is "SINet: Extreme Lightweight Portrait Segmentation Networks with Spatial Squeeze Modules and
Information Blocking Decoder" (https://arxiv.org/abs/1911.09099).
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

MIDDLE, COARSE = 48, 96  # channels at 1/4 and 1/8 of the resolution

# The two branches of each module: kernel size, and the factor by which the branch first shrinks the features.
_AT_QUARTER = (((3, 1), (5, 1)), ((3, 1), (3, 1)))
_AT_EIGHTH = (
    ((3, 1), (5, 1)),
    ((3, 1), (3, 1)),
    ((5, 1), (3, 2)),
    ((5, 2), (3, 4)),
    ((3, 1), (3, 1)),
    ((5, 1), (5, 1)),
    ((3, 2), (3, 4)),
    ((3, 1), (5, 2)),
)


def sinet(file: Path) -> "SINet":
    """Loads the frozen network.

    Raises RuntimeError naming every tensor that is missing, unexpected or of the wrong shape.
    """
    network = SINet()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


class SINet(nn.Module):
    """The network: (N, 3, H, W) normalised BGR -> (N, 1, H, W) probability of a person.

    H and W are multiples of 32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Encoder()
        self.up = _Doubled()
        self.bn_3, self.bn_2 = _norm(2), _norm(2)
        self.level2_C = _Convolved(nn.Conv2d(MIDDLE, 2, 1, bias=False), 2)
        self.classifier = nn.Sequential(_Doubled(), nn.Conv2d(2, 2, 3, padding=1, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        middle, coarse = self.encoder(images)
        coarse = self.bn_3(self.up(coarse))
        # Information blocking: fine features count only where the coarse ones are uncertain.
        uncertainty = 1 - coarse.softmax(1).amax(1, keepdim=True)
        logits = self.classifier(self.bn_2(self.up(self.level2_C(middle) * uncertainty + coarse)))
        return logits.softmax(1)[:, 1:]  # type: ignore[no-any-return]


class _Encoder(nn.Module):
    """The encoder: (N, 3, H, W) -> 48 channels at 1/4 of the resolution, and two class logits at 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.level1 = _Convolved(nn.Conv2d(3, 12, 3, 2, 1, bias=False), 12)
        self.level2_0 = _Convolved(_excited(12, 16, _Excitation(12)), 16)
        self.level2 = _modules(16, MIDDLE, _AT_QUARTER)
        self.BR2 = _Activated(16 + MIDDLE)
        self.level3_0 = _Convolved(_excited(16 + MIDDLE, MIDDLE, _Excitation(16 + MIDDLE, squeeze=2)), MIDDLE)
        self.level3 = _modules(MIDDLE, COARSE, _AT_EIGHTH)
        self.BR3 = _Activated(MIDDLE + COARSE)
        self.classifier = _Plain(nn.Conv2d(MIDDLE + COARSE, 2, 1, bias=False))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        quarter = self.level2_0(self.level1(images))
        middle = self.level2(quarter)
        eighth = self.level3_0(self.BR2(torch.cat((quarter, middle), 1)))
        coarse = self.classifier(self.BR3(torch.cat((eighth, self.level3(eighth)), 1)))
        return middle, coarse


class _SpatialSqueeze(nn.Module):
    """The S2 module: concatenates two branches of different receptive fields, each of half the channels."""

    def __init__(self, inputs: int, outputs: int, branches: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        half = outputs // 2
        self.c1 = _Plain(nn.Conv2d(inputs, half, 1, groups=2, bias=False))
        self.d1, self.d2 = (_Branch(half, kernel, shrink) for kernel, shrink in branches)
        self.BR = _Activated(outputs)
        self.residual = inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        half = self.c1(features)
        # This shuffles the channels of the two groups.
        half = half.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)
        both = torch.cat((self.d1(half), self.d2(half)), 1)
        return self.BR(features + both if self.residual else both)  # type: ignore[no-any-return]


class _Branch(nn.Module):
    def __init__(self, channels: int, kernel: int, shrink: int) -> None:
        super().__init__()
        convolution = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
        self.conv = nn.Sequential(convolution, _norm(channels))
        self.act_conv1x1 = nn.Sequential(nn.PReLU(channels), nn.Conv2d(channels, channels, 1, bias=False))
        self.bn = _norm(channels)
        self.down = nn.AvgPool2d(shrink) if shrink > 1 else nn.Identity()
        self.up = _Doubled(shrink) if shrink > 1 else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        return self.bn(self.up(self.act_conv1x1(self.conv(self.down(features)))))  # type: ignore[no-any-return]


class _Excitation(nn.Module):
    """Squeeze and excitation (https://arxiv.org/abs/1709.01507) with a PReLU in place of the sigmoid gate."""

    def __init__(self, channels: int, squeeze: int = 1) -> None:
        super().__init__()
        widths = (channels, channels // squeeze, channels) if squeeze > 1 else (channels, channels)
        layers = ((nn.Linear(a, b), nn.PReLU(b)) for a, b in pairwise(widths))
        self.dense = nn.Sequential(*(part for pair in layers for part in pair))

    def forward(self, features: Tensor) -> Tensor:
        return features * self.dense(features.mean((2, 3)))[..., None, None]  # type: ignore[no-any-return]


class _Activated(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn, self.act = _norm(channels), nn.PReLU(channels)

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.bn(features))  # type: ignore[no-any-return]


class _Convolved(_Activated):
    def __init__(self, convolution: nn.Module, outputs: int) -> None:
        super().__init__(outputs)
        self.conv = convolution

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(self.conv(features))


class _Plain(nn.Module):
    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.conv = convolution

    def forward(self, features: Tensor) -> Tensor:
        return self.conv(features)  # type: ignore[no-any-return]


def _excited(inputs: int, outputs: int, excitation: _Excitation) -> nn.Sequential:
    halving = nn.Conv2d(inputs, inputs, 3, 2, 1, groups=inputs, bias=False)
    return nn.Sequential(halving, excitation, nn.Conv2d(inputs, outputs, 1, bias=False))


def _modules(
    inputs: int, outputs: int, configuration: tuple[tuple[tuple[int, int], ...], ...]
) -> nn.Sequential:
    first, *others = configuration
    return nn.Sequential(
        _SpatialSqueeze(inputs, outputs, first), *(_SpatialSqueeze(outputs, outputs, one) for one in others)
    )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Doubled(nn.UpsamplingBilinear2d):
    def __init__(self, factor: int = 2) -> None:
        super().__init__(scale_factor=factor)
