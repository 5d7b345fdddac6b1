"""A network for the 106 points of a grey face, with 0.5 million parameters."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.faces.networks.detector import stage

SIZE = 112
LUMA = (0.299, 0.587, 0.114)  # weights of red, green, blue
WIDTHS = (16, 32, 64, 128)


class CompactLandmarks(nn.Module):
    """(N, 3, 112, 112) RGB in 0..255 -> (N, 106, 2) x and y in pixels, as `mesh106` orders them."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth = WIDTHS
        self.features = nn.Sequential(
            nn.Conv2d(1, first, 5, 2, 2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            stage(first, second, 2),
            stage(second, third, 3),
            stage(third, fourth, 3),
            nn.Conv2d(fourth, 32, 1),
            nn.ReLU(),
        )
        self.points = nn.Linear(32 * (SIZE // 16) ** 2, 212)
        self.register_buffer("mean", torch.full((106, 2), SIZE / 2))

    def forward(self, faces: Tensor) -> Tensor:
        red, green, blue = LUMA
        return self.of_grey(red * faces[:, :1] + green * faces[:, 1:2] + blue * faces[:, 2:])

    def of_grey(self, grey: Tensor) -> Tensor:
        """Does the same for (N, 1, 112, 112) in 0..255; each face's contrast is normalised."""
        even = F.layer_norm(grey, grey.shape[1:])
        offsets = self.points(self.features(even).flatten(1)).view(-1, 106, 2)
        points: Tensor = self.mean + SIZE * offsets
        return points
