"""Age and gender by two vision transformers (https://arxiv.org/abs/2010.11929) trained on FairFace."""

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import ViTForImageClassification


def age_and_gender(age: Path, gender: Path) -> "AgeAndGender":
    """Frozen network from two folders in the Hugging Face layout. Raises ValueError for unknown classes."""
    networks = (
        ViTForImageClassification.from_pretrained(folder, local_files_only=True) for folder in (age, gender)
    )
    return AgeAndGender(*networks)


class AgeAndGender(nn.Module):
    """(N, 3, H, W) RGB in 0..255, of the transformers' own size -> (N, 2): age in years, probability of male.

    The age is the mean of the classes' middles, weighted with their probabilities.
    """

    def __init__(self, age: ViTForImageClassification, gender: ViTForImageClassification) -> None:
        super().__init__()
        self.age, self.gender = age, gender
        self.register_buffer("years", torch.tensor([middle(label) for label in _labels(age)]))
        self.male = [label.lower() for label in _labels(gender)].index("male")
        self.eval().requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        pixels = faces / 127.5 - 1
        ages = self.age(pixel_values=pixels, return_dict=False)[0].softmax(1)
        genders = self.gender(pixel_values=pixels, return_dict=False)[0].softmax(1)
        return torch.stack(((ages * self.years).sum(1), genders[:, self.male]), 1)


def middle(label: str) -> float:
    """Years in the middle of a class such as `20-29`; of `more than 70`, five years later than that.

    Raises ValueError for anything else.
    """
    if match := re.fullmatch(r"(\d+)-(\d+)", label):
        return (int(match[1]) + int(match[2]) + 1) / 2
    if match := re.fullmatch(r"more than (\d+)", label):
        return int(match[1]) + 5.0
    raise ValueError(f"age class {label!r}: neither a range nor `more than`")


def _labels(network: ViTForImageClassification) -> list[str]:
    names: dict[int, str] = network.config.id2label  # type: ignore[assignment]  # None only while it is built
    return [names[index] for index in sorted(names)]
