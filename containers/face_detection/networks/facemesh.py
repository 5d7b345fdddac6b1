"""FaceMesh (https://arxiv.org/abs/1907.06724), a network that finds 468 points on the surface of a face.

The layers have the names of the tensors in MediaPipePyTorch's file, which contains MediaPipe's own weights.
"""

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def face_mesh(weights: Path) -> "FaceMesh":
    """Loads the frozen network from a state dict. Raises RuntimeError naming the tensors that do not fit."""
    with torch.device("meta"):
        network = FaceMesh()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


class FaceMesh(nn.Module):
    """The network: (N, 3, 192, 192) RGB in 0..1 -> (N, 1405).

    The output holds x, y and depth of 468 points in pixels, then the logit that the image shows a face.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128)
        halving = (2, 5, 8, 11)
        blocks = (
            _Block(before, after, halve=index in halving)
            for index, (before, after) in enumerate(pairwise(widths))
        )
        self.backbone1 = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.PReLU(16), *blocks)
        self.backbone2a = nn.Sequential(
            _Block(128, 128, halve=True), _Block(128, 128), _Block(128, 128), *_head(1404)
        )
        self.backbone2b = nn.Sequential(_Block(128, 128, halve=True), *_head(1))

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone1(F.pad(images, (0, 1, 0, 1)))
        return torch.cat((self.backbone2a(features).flatten(1), self.backbone2b(features).flatten(1)), 1)


class _Block(nn.Module):
    """A separable convolution plus a shortcut. Channels that the shortcut lacks are filled with zeros."""

    def __init__(self, inputs: int, outputs: int, *, halve: bool = False) -> None:
        super().__init__()
        self.halve, self.missing = halve, outputs - inputs
        depthwise = nn.Conv2d(inputs, inputs, 3, 2 if halve else 1, 0 if halve else 1, groups=inputs)
        self.convs = nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1))
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        shortcut = F.max_pool2d(features, 2) if self.halve else features
        if self.halve:
            features = F.pad(features, (0, 1, 0, 1))  # TensorFlow pads on the right and bottom
        if self.missing:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.missing))
        activated: Tensor = self.act(self.convs(features) + shortcut)
        return activated


def _head(outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(128, 32, 1), nn.PReLU(32), _Block(32, 32), nn.Conv2d(32, outputs, 3)
