"""FastestDet as a torch module. Its parts have the names of the tensors in its file.

Network: https://github.com/dog-qiuqiu/FastestDet. Backbone: ShuffleNet V2 (https://arxiv.org/abs/1807.11164).
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

CLASSES = 80  # of COCO


def detector(file: Path) -> "Detector":
    """Loads the frozen detector from a file.

    Raises RuntimeError with the names of all tensors that are missing, left over or misshapen.
    """
    network = Detector()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


class Detector(nn.Module):
    """Turns (N, 3, H, W) BGR in 0..1 into (N, 5 + classes, H / 16, W / 16). H and W are multiples of 32.

    The channels are the objectness 0..1, raw centre x and y, raw width and height, and class probabilities.
    """

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.SPP = _Pyramid(48 + 96 + 192, 96)
        self.detect_head = _Head(96, classes)

    def forward(self, images: Tensor) -> Tensor:
        fine, middle, coarse = self.backbone(images)
        fine = avg_pool2d(fine, 3, 2, 1)
        coarse = interpolate(coarse, scale_factor=2.0, mode="nearest")
        features: Tensor = self.SPP(torch.cat((fine, middle, coarse), 1))
        return self.detect_head(features)  # type: ignore[no-any-return]


class _Backbone(nn.Module):
    """Turns (N, 3, H, W) into 48, 96 and 192 channels at 1/8, 1/16 and 1/32 of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(
            nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU()
        )
        self.stage2, self.stage3, self.stage4 = _stage(24, 48, 4), _stage(48, 96, 8), _stage(96, 192, 4)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage2(max_pool2d(self.first_conv(images), 3, 2, 1))
        middle = self.stage3(fine)
        return fine, middle, self.stage4(middle)


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(_Halving(inputs, outputs), *(_Shuffling(outputs) for _ in range(blocks - 1)))


class _Halving(nn.Module):
    """Two branches over all channels that halve the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch_proj = nn.Sequential(
            *_depthwise(inputs, 3, stride=2), *_pointwise(inputs, inputs), nn.ReLU()
        )
        self.branch_main = _branch(inputs, outputs // 2, outputs - inputs, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((self.branch_proj(features), self.branch_main(features)), 1)


class _Shuffling(nn.Module):
    """Even channels pass and odd ones are convolved.

    Taking every second channel is the shuffle of ShuffleNet.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch_main = _branch(half, half, half, stride=1)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((features[:, ::2], self.branch_main(features[:, 1::2])), 1)


class _Pyramid(nn.Module):
    """Joins the receptive fields of one, two and three 5x5 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.Conv1x1 = _Pointwise(inputs, outputs)
        self.S1, self.S2, self.S3 = (
            nn.Sequential(*(part for _ in range(depth) for part in (*_depthwise(outputs, 5), nn.ReLU())))
            for depth in (1, 2, 3)
        )
        self.output = nn.Sequential(*_pointwise(3 * outputs, outputs))

    def forward(self, features: Tensor) -> Tensor:
        features = self.Conv1x1(features)
        fields = torch.cat((self.S1(features), self.S2(features), self.S3(features)), 1)
        return torch.relu(features + self.output(fields))


class _Head(nn.Module):
    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv1x1 = _Pointwise(inputs, inputs)
        self.obj_layers, self.reg_layers, self.cls_layers = (
            _Branch(inputs, outputs) for outputs in (1, 4, classes)
        )

    def forward(self, features: Tensor) -> Tensor:
        features = self.conv1x1(features)
        objectness, classes = self.obj_layers(features).sigmoid(), self.cls_layers(features).softmax(1)
        return torch.cat((objectness, self.reg_layers(features), classes), 1)


class _Pointwise(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Sequential(*_pointwise(inputs, outputs), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        return self.conv1x1(features)  # type: ignore[no-any-return]


class _Branch(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv5x5 = nn.Sequential(*_depthwise(inputs, 5), nn.ReLU(), *_pointwise(inputs, outputs))

    def forward(self, features: Tensor) -> Tensor:
        return self.conv5x5(features)  # type: ignore[no-any-return]


def _branch(inputs: int, inner: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *_pointwise(inputs, inner),
        nn.ReLU(),
        *_depthwise(inner, 3, stride),
        *_pointwise(inner, outputs),
        nn.ReLU(),
    )


def _pointwise(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)


def _depthwise(channels: int, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
    return convolution, nn.BatchNorm2d(channels)
