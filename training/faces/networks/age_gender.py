"""A network for age and gender of a grey face, with 0.2 million parameters."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.faces.networks.detector import stage

SIZE = 112
LUMA = (0.299, 0.587, 0.114)  # weights of red, green, blue
YEARS = tuple(range(0, 101, 5))


class CompactAgeGender(nn.Module):
    """(N, 3, 112, 112) RGB in 0..255 -> (N, 2): age in years, probability of male, as TinyXception gives."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 6, 4, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            stage(32, 64, 3),
            stage(64, 128, 3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.1),
        )
        self.values = nn.Linear(128, len(YEARS) + 1)
        self.register_buffer("years", torch.tensor(YEARS, dtype=torch.float32), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        red, green, blue = LUMA
        values = self.raw(red * faces[:, :1] + green * faces[:, 1:2] + blue * faces[:, 2:])
        age = values[:, :-1].softmax(1) @ self.get_buffer("years")
        return torch.stack((age, values[:, -1].sigmoid()), 1)

    def raw(self, grey: Tensor) -> Tensor:
        """(N, 1, 112, 112) in 0..255 -> (N, 22): logits of the ages 0, 5, … 100, then of male."""
        values: Tensor = self.values(self.features(F.layer_norm(grey, grey.shape[1:])))
        return values
