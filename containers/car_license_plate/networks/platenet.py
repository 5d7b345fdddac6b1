"""PlateNet as a torch module, and its weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from containers.car_license_plate.grammar import CLASSES

STRIDE = 4  # px of the input's width per step


def platenet(weights: Path) -> "PlateNet":
    """Loads the frozen network from a file. Raises RuntimeError, which names wrong tensors."""
    network = PlateNet()
    network.load_state_dict(load_file(weights))
    return network.eval().requires_grad_(False)


def convolution(
    inputs: int, outputs: int, size: int | tuple[int, int], **options: int | tuple[int, int]
) -> nn.Module:
    """Builds a convolution with batch norm and ReLU. options: stride and padding."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, bias=False, **options),  # type: ignore[arg-type]
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3, padding=1)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


class PlateNet(nn.Module):
    """(N, 3, 24, 96) RGB in [-1, 1] -> (N, 24, classes) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(3, 32, 5, padding=2, stride=2),
            convolution(32, 32, 3, padding=1),
            convolution(32, 80, 3, padding=1, stride=2),
            Residual(80),
            convolution(80, 112, 3, padding=1, stride=(2, 1)),
            Residual(112),
            convolution(112, 128, (3, 1)),
            convolution(128, 128, (1, 3), padding=(0, 1)),
            nn.Conv2d(128, len(CLASSES), 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).squeeze(2).transpose(1, 2)  # type: ignore[no-any-return]
