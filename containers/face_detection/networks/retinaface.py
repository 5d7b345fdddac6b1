"""RetinaFace (https://arxiv.org/abs/1905.00641) with ResNet-50, as in biubug6's repository.

The modules have the names of the tensors in the weight files.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50  # type: ignore[import-untyped]
from torchvision.models.feature_extraction import create_feature_extractor  # type: ignore[import-untyped]

STRIDES = (8, 16, 32)
# Each place has two square anchors. This is the side of the smaller one in pixels; the other has twice that.
ANCHORS = (16, 64, 256)
CHANNELS, WIDTH = (512, 1024, 2048), 256  # of the maps of ResNet-50, and of the pyramid


def retinaface(weights: Path) -> "RetinaFace":
    """Loads the frozen network from a state dict. Raises RuntimeError naming the tensors that do not fit."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    with torch.device("meta"):
        network = RetinaFace()
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


class RetinaFace(nn.Module):
    """The network: (N, 3, H, W) BGR minus the means, H and W multiples of 32 -> (N, H * W * 21 / 512, 15).

    A row of the output belongs to one anchor. It holds left, top, right and bottom of the box in pixels, the
    score from 0 to 1, and x and y of eyes, nose and mouth corners in pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = _resnet()
        self.fpn = _Pyramid(CHANNELS, WIDTH)
        self.ssh1, self.ssh2, self.ssh3 = _Context(WIDTH), _Context(WIDTH), _Context(WIDTH)
        self.ClassHead, self.BboxHead, self.LandmarkHead = (_heads(WIDTH, count) for count in (2, 4, 10))

    def forward(self, images: Tensor) -> Tensor:
        levels = self.fpn(list(self.body(images).values()))
        found = []
        for level, context in enumerate((self.ssh1, self.ssh2, self.ssh3)):
            features = context(levels[level])
            anchors = anchor_boxes(features, STRIDES[level], ANCHORS[level])
            classes, box, points = (
                heads[level](features) for heads in (self.ClassHead, self.BboxHead, self.LandmarkHead)
            )
            found.append(decode(anchors, classes, box, points))
        return torch.cat(found, 1)


def anchor_boxes(features: Tensor, stride: int, side: int) -> Tensor:
    """Returns (H * W * 2, 3) float32 centre x, centre y and side in pixels, the smaller anchor first."""
    (rows, columns), device = features.shape[-2:], features.device
    y = (torch.arange(rows, dtype=torch.float32, device=device) + 0.5) * stride
    x = (torch.arange(columns, dtype=torch.float32, device=device) + 0.5) * stride
    sides = torch.arange(1, 3, dtype=torch.float32, device=device) * side
    shape = (rows, columns, 2)
    return torch.stack(
        (x[:, None].expand(shape), y[:, None, None].expand(shape), sides.expand(shape)), -1
    ).flatten(0, 2)


def decode(anchors: Tensor, classes: Tensor, box: Tensor, points: Tensor) -> Tensor:
    """Returns (N, A, 15) from the heads' (N, A, 2), (N, A, 4) and (N, A, 10) and their (A, 3) anchors.

    Offsets are in tenths of the anchor's side. A size is five times the natural logarithm of its ratio to
    that side.
    """
    centres, sides = anchors[:, :2], anchors[:, 2:]
    middle = centres + box[..., :2] * 0.1 * sides
    half = torch.exp(box[..., 2:] * 0.2) * sides / 2
    score = classes.softmax(-1)[..., 1:]
    return torch.cat((middle - half, middle + half, score, centres.repeat(1, 5) + points * 0.1 * sides), -1)


class _Head(nn.Module):
    """One output of the network: (N, C, H, W) -> (N, H * W * 2, values), for two anchors per place."""

    def __init__(self, width: int, values: int) -> None:
        super().__init__()
        self.values = values
        self.conv1x1 = nn.Conv2d(width, 2 * values, 1)

    def forward(self, features: Tensor) -> Tensor:
        values: Tensor = self.conv1x1(features)
        return values.permute(0, 2, 3, 1).reshape(features.shape[0], -1, self.values)


def _heads(width: int, values: int) -> nn.ModuleList:
    return nn.ModuleList(_Head(width, values) for _ in STRIDES)


class _Pyramid(nn.Module):
    """The feature pyramid: adds the coarser maps to each of the three feature maps, finest first."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_convolution(each, width, 1) for each in channels)
        self.merge1, self.merge2 = (_convolution(width, width, 3) for _ in range(2))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, coarse = self.output1(maps[0]), self.output2(maps[1]), self.output3(maps[2])
        middle = self.merge2(middle + F.interpolate(coarse, scale_factor=2.0))
        fine = self.merge1(fine + F.interpolate(middle, scale_factor=2.0))
        return fine, middle, coarse


class _Context(nn.Module):
    """The SSH module (https://arxiv.org/abs/1708.03979): concatenates features of 3x3, 5x5 and 7x7 fields."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.conv3X3 = _convolution(width, half, 3)[:2]
        self.conv5X5_1 = _convolution(width, quarter, 3)
        self.conv5X5_2 = _convolution(quarter, quarter, 3)[:2]
        self.conv7X7_2 = _convolution(quarter, quarter, 3)
        self.conv7x7_3 = _convolution(quarter, quarter, 3)[:2]

    def forward(self, features: Tensor) -> Tensor:
        near = self.conv5X5_1(features)
        views = self.conv3X3(features), self.conv5X5_2(near), self.conv7x7_3(self.conv7X7_2(near))
        return F.relu(torch.cat(views, 1))


def _resnet() -> nn.Module:
    stages = {"layer2": "0", "layer3": "1", "layer4": "2"}
    body: nn.Module = create_feature_extractor(resnet50(), stages)
    return body


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
