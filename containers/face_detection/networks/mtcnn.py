"""The three networks of MTCNN (https://arxiv.org/abs/1604.02878).

Their layers have the names of the tensors in facenet-pytorch's files. Input is RGB, (x - 127.5) / 128.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


def load(build: Callable[[], nn.Module], file: Path) -> nn.Module:
    """Returns the frozen network of a file.

    Raises RuntimeError with the names of all tensors that are missing, left over or misshapen.
    """
    network = build()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


class ProposalNetwork(nn.Module):
    """Turns (N, 3, H, W) into (N, 5, h, w), with h and w about half of H and W.

    Each place stands for a window of 12 px: the probability that it shows a face, and how far the face's
    left, top, right and bottom are from those of the window, in sides of the window.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool(self.prelu1(self.conv1(images)))
        features = self.prelu3(self.conv3(self.prelu2(self.conv2(features))))
        probability = self.conv4_1(features).softmax(1)[:, 1:]
        return torch.cat((probability, self.conv4_2(features)), 1)


class RefinementNetwork(nn.Module):
    """Turns (N, 3, 24, 24) into (N, 5): the probability of a face, and the distances of its edges."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, crops: Tensor) -> Tensor:
        features = self.pool(self.prelu1(self.conv1(crops)))
        features = self.pool(self.prelu2(self.conv2(features)))
        flat = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(features)))))
        return torch.cat((self.dense5_1(flat).softmax(1)[:, 1:], self.dense5_2(flat)), 1)


class OutputNetwork(nn.Module):
    """Turns (N, 3, 48, 48) into (N, 15).

    These are the probability of a face, the distances of its edges, and x and then y of five points, in sides
    of the crop: eyes (the one on the left of the image first), nose, mouth corners.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = (nn.Linear(256, count) for count in (2, 4, 10))
        self.pool, self.last_pool = nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, crops: Tensor) -> Tensor:
        features = self.pool(self.prelu1(self.conv1(crops)))
        features = self.pool(self.prelu2(self.conv2(features)))
        features = self.last_pool(self.prelu3(self.conv3(features)))
        flat = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(features)))))
        probability = self.dense6_1(flat).softmax(1)[:, 1:]
        return torch.cat((probability, self.dense6_2(flat), self.dense6_3(flat)), 1)


def _flat(features: Tensor) -> Tensor:
    """Flattens (N, C, H, W) with x as the slowest axis and the channels as the fastest, as in the files."""
    return features.permute(0, 3, 2, 1).flatten(1)
