"""A small face embedding network for grey pictures, made of plain convolutions, which are fast on CPUs.

It sees the area between brows, ears and chin only. Outside of that a tightly cut picture is black.
"""

import torch.nn.functional as F
from torch import Tensor, nn

_STAGES = (48, 96, 144)  # channels at 20, 10 and 5 px, with one residual block each
_ROWS, _COLUMNS = slice(27, 107), slice(16, 96)
_PATCH = 4  # side in pixels of the squares that become channels
DIMENSIONS = 256


class EmbeddingNetwork(nn.Module):
    """(N, 3, 112, 112) float32 RGB, 0..255, aligned -> (N, 256), of any length. It converts to grey."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = _PATCH**2
        for index, channels in enumerate(_STAGES):
            layers += [*_layer(before, channels, 3, stride=2 if index else 1), _Residual(channels)]
            before = channels
        layers += _layer(before, DIMENSIONS, 1)
        # each place of the face has its own weights (MobileFaceNets, https://arxiv.org/abs/1804.07573)
        layers += [
            nn.Conv2d(DIMENSIONS, DIMENSIONS, 5, groups=DIMENSIONS, bias=False),
            nn.BatchNorm2d(DIMENSIONS),
        ]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(DIMENSIONS, DIMENSIONS))

    def forward(self, faces: Tensor) -> Tensor:
        return self.grey(0.299 * faces[:, :1] + 0.587 * faces[:, 1:2] + 0.114 * faces[:, 2:])

    def grey(self, faces: Tensor) -> Tensor:
        """Does the same for grey faces, (N, 1, 112, 112)."""
        vectors: Tensor = self.layers(F.pixel_unshuffle((faces[..., _ROWS, _COLUMNS] - 127.5) / 64, _PATCH))
        return vectors


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layer(channels, channels, 3), *_layer(channels, channels, 3)[:2])

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.layers(features))


def _layer(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
