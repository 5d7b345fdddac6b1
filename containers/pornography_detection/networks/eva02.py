"""EVA-02 (https://arxiv.org/abs/2303.11331) as timm builds it, with the four levels of Freepik."""

from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from timm.data.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
from torch import Tensor, nn

LEVELS = 4


def levels(file: Path, **sizes: Any) -> "Levels":
    """Loads the frozen network. `sizes` replace those of EVA-02 base, in tests only.

    Raises RuntimeError with the names of the tensors that do not fit.
    """
    network = timm.create_model("eva02_base_patch14_448", num_classes=LEVELS, **sizes)
    network.load_state_dict(load_file(file))
    return Levels(network)


class Levels(nn.Module):
    """Turns (N, 3, 448, 448) RGB in 0..1 into probabilities, (N, 4)."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(OPENAI_CLIP_MEAN).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(OPENAI_CLIP_STD).view(3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - self.mean) / self.deviation)
        return logits.softmax(1)
