"""The loop that all trainings share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.loop import Options, Plan, Training

PLAN = Plan(name="line", steps=200, rate=0.3, warm_up=5, average=0.9)


def test_a_continued_training_ends_with_the_same_parameters_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", until=200)
    trained(tmp_path / "parts", until=25)
    assert torch.equal(whole, trained(tmp_path / "parts", until=200))


def test_a_training_finds_the_slope_of_its_data(tmp_path: Path) -> None:
    assert trained(tmp_path, until=200).item() == pytest.approx(3, abs=0.1)


def trained(folder: Path, *, until: int) -> Tensor:
    training = Training(PLAN, lambda: nn.Linear(1, 1), Options(out=folder, until=until))
    return next(training.run(points, squared_error).parameters()).detach().clone()


def points(random: np.random.Generator) -> tuple[Tensor, Tensor]:
    places = torch.from_numpy(random.normal(size=(32, 1))).float()
    return places, 3 * places


def squared_error(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    places, values = batch
    return functional.mse_loss(network(places), values)
