"""Trains age and gender on TinyXception's outputs: `make train NAME=faces.age_gender`."""

from functools import partial
from typing import cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.faces.data.age_gender_labels import LabelledCrops, labelled_crops
from training.faces.networks.age_gender import YEARS, CompactAgeGender
from training.loop import Options, Plan, Training, export

PLAN = Plan(name="face_age_gender", steps=2400, rate=4e-3, weight_decay=0.05, average=0.998)
BATCH = 48
SPREAD = 4.0  # years, deviation of the bell curve of ages around the teacher's age

Batch = tuple[Tensor, Tensor]
"""Crops (N, 1, 112, 112) in 0..255, and (N, 2) age in years and probability of male."""


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    training = Training(PLAN, CompactAgeGender, options)
    network = training.run(partial(batch, known=labelled_crops()), loss, every=500)
    export(network, options.out / f"{PLAN.name}.safetensors")


def batch(random: np.random.Generator, known: LabelledCrops) -> Batch:
    """Makes one batch. Half of the crops are mirrored, which hardly changes the teacher's output."""
    chosen = np.sort(random.integers(len(known.crops), size=BATCH))
    crops = np.array(known.crops[chosen])
    mirrored = random.random(BATCH) < 0.5
    crops[mirrored] = crops[mirrored][..., ::-1]
    return torch.from_numpy(crops)[:, None].float(), torch.from_numpy(known.answers[chosen])


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Adds the divergence from the bell curve of ages, the mean age's error and gender's cross-entropy."""
    pixels, answers = batch
    values = cast(CompactAgeGender, network).raw(pixels)
    years = torch.tensor(YEARS, dtype=values.dtype, device=values.device)
    spread = (-((years - answers[:, :1]) ** 2) / (2 * SPREAD**2)).softmax(1)
    ages = F.kl_div(values[:, :-1].log_softmax(1), spread, reduction="batchmean")
    mean = F.smooth_l1_loss(values[:, :-1].softmax(1) @ years, answers[:, 0]) / 10
    return ages + mean + 2 * F.binary_cross_entropy_with_logits(values[:, -1], answers[:, 1])


if __name__ == "__main__":
    main()
