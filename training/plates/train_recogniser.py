"""Trains the recogniser of plates: `make train NAME=plates.recogniser`."""

from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from containers.car_license_plate.grammar import CLASSES
from containers.car_license_plate.networks.platenet import STRIDE, PlateNet
from training.loop import Options, Plan, Training, export
from training.plates.crops import batch

PLAN = Plan(name="plate_recogniser", steps=2750, rate=2.5e-3, warm_up=150, average=0.997)
BATCH = 64
BLANK = len(CLASSES) - 1
HELD_OUT = 10**6  # seed of the crops on which progress is measured

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Returns CTC, plus each character's cross-entropy at its known place, which helps the alignment."""
    images, classes, lengths, centres = batch
    chances = F.log_softmax(network(images), 2)
    steps = torch.full_like(lengths, chances.shape[1])
    ctc = F.ctc_loss(chances.transpose(0, 1), classes, steps, lengths, BLANK, zero_infinity=True)
    rows, places = torch.nonzero(torch.arange(classes.shape[1]) < lengths[:, None], as_tuple=True)
    at = (centres[rows, places] / STRIDE).long().clamp(0, chances.shape[1] - 1)
    return ctc + 0.5 * F.nll_loss(chances[rows, at], classes[rows, places])


def accuracy(network: nn.Module, held_out: Batch) -> str:
    """Returns the share of plates read completely without a grammar, as a note for the log."""
    images, classes, lengths, _ = held_out
    with torch.inference_mode():
        best = network(images).argmax(2)
    right = [
        _spelt(read) == truth[:length].tolist()
        for read, truth, length in zip(best, classes, lengths, strict=True)
    ]
    return f"rendered {np.mean(right):.1%}"


def _spelt(steps: Tensor) -> list[int]:
    """Returns the classes without repetitions and blanks."""
    return [one for one in torch.unique_consecutive(steps).tolist() if one != BLANK]


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    held_out = batch(np.random.default_rng(HELD_OUT), 400)
    training = Training(PLAN, PlateNet, options)
    network = training.run(
        partial(batch, size=BATCH), loss, progress=partial(accuracy, held_out=held_out), every=200
    )
    export(network, options.out / f"{PLAN.name}.safetensors")


if __name__ == "__main__":
    main()
