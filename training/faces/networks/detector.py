"""A face detector with a quarter of a million parameters and RetinaFace's output."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from containers.face_detection.networks.retinaface import MOBILENET_ANCHORS, STRIDES, anchor_boxes, decode

LUMA = (0.114, 0.587, 0.299)  # weights of blue, green, red
VALUES = 16  # numbers of an anchor: two classes, a box, five points
WIDTHS = (48, 80, 112)  # channels of the maps of strides 8, 16 and 32
WIDTH = 56  # channels of the pyramid


class CompactDetector(nn.Module):
    """(N, 3, H, W) BGR minus the means, H and W multiples of 32 -> (N, A, 15), as `RetinaFace` gives.

    It sees grey only, in steps of four pixels, which makes it fast, especially in training.
    """

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 6, 4, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.stages = nn.ModuleList((stage(24, fine, 2), stage(fine, middle, 3), stage(middle, coarse, 2)))
        self.lateral = nn.ModuleList(nn.Conv2d(each, WIDTH, 1) for each in WIDTHS)
        self.context = nn.ModuleList(nn.Sequential(_Residual(WIDTH, 5), _Residual(WIDTH, 5)) for _ in STRIDES)
        self.heads = nn.ModuleList(nn.Conv2d(WIDTH, 2 * VALUES, 1) for _ in STRIDES)

    def forward(self, images: Tensor) -> Tensor:
        blue, green, red = LUMA
        anchors, values = self.raw(blue * images[:, :1] + green * images[:, 1:2] + red * images[:, 2:])
        return decoded(anchors, values)

    def raw(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, H, W) luma minus the mean -> (A, 3) anchors and their (N, A, 16) values, not decoded."""
        features, maps = self.stem(grey / 64), []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            features = stage(features)
            maps.append(lateral(features))
        maps[1] = maps[1] + F.interpolate(maps[2], scale_factor=2.0)
        maps[0] = maps[0] + F.interpolate(maps[1], scale_factor=2.0)
        anchors, values = [], []
        for level, each in enumerate(maps):
            found = self.heads[level](self.context[level](each))
            anchors.append(anchor_boxes(each, STRIDES[level], MOBILENET_ANCHORS[level]))
            values.append(found.permute(0, 2, 3, 1).reshape(len(grey), -1, VALUES))
        return torch.cat(anchors), torch.cat(values, 1)


def decoded(anchors: Tensor, values: Tensor) -> Tensor:
    """Decodes (A, 3) anchors and (N, A, 16) values to (N, A, 15)."""
    return decode(anchors, values[..., :2], values[..., 2:6], values[..., 6:])


def stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    halving = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
    return nn.Sequential(
        halving, nn.BatchNorm2d(outputs), nn.ReLU(), *(_Residual(outputs, 3) for _ in range(depth))
    )


class _Residual(nn.Module):
    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, size, padding=size // 2, groups=width, bias=False)
        self.pointwise = nn.Conv2d(width, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.norm(self.pointwise(self.depthwise(features))))
