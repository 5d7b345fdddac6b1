"""FairFace (https://arxiv.org/abs/1908.04913), an ONNX ResNet-34 for age and gender, as a torch module."""

from pathlib import Path

import torch
from onnx2torch import convert  # type: ignore[import-untyped]
from torch import Tensor, nn

YEARS = (1.5, 6.5, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0)
"""Middle of each age class: 0-2, 3-9, then classes of ten years; the class 70 and above counts as 75."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for colours in 0..1


def fairface(file: Path) -> "FairFace":
    """Loads the frozen network from the .onnx file. Raises ValueError when the outputs have other sizes."""
    network = FairFace(convert(file)).eval().requires_grad_(False)
    network(torch.zeros(1, 3, 224, 224))
    return network


class FairFace(nn.Module):
    """The network: (N, 3, 224, 224) RGB in 0..255 -> (N, 2), age in years and probability of male.

    The age is the mean of the middles of the age classes, weighted by their probabilities.
    """

    years: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("years", torch.tensor(YEARS))
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("deviation", 255 * torch.tensor(DEVIATION).view(3, 1, 1))

    def forward(self, faces: Tensor) -> Tensor:
        heads = {found.shape[-1]: found for found in self.network((faces - self.mean) / self.deviation)}
        if set(heads) != {2, len(YEARS), 7}:  # the head with 7 classes tells ethnic origin and is not used
            raise ValueError(f"outputs of {sorted(heads)} classes, expected 2, {len(YEARS)} and 7")
        age = heads[len(YEARS)].softmax(1) @ self.years
        return torch.stack((age, heads[2].softmax(1)[:, 0]), 1)
