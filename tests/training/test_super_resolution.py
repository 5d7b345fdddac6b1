"""The training of image_super_resolution's own network: its pictures and its steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import resized
from containers.image_super_resolution.networks.rlfn import RLFN
from training.loop import Options, Training
from training.material import FOLDER
from training.super_resolution import train_network
from training.super_resolution.pairs import PATCH, SCALE, Pairs, mosaics, squares
from training.super_resolution.pictures import collage


def coffee_pairs() -> Pairs:
    large = squares(photograph("coffee"), SCALE * PATCH)
    return Pairs(np.stack([resized(each, 1 / SCALE) for each in large]), large)


def teacher(folder: Path) -> Path:
    """Writes an RLFN of random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(RLFN(SCALE, 4).state_dict(), folder / "teacher.pth")
    return folder / "teacher.pth"


def test_a_collage_has_edges_everywhere_and_is_the_same_for_the_same_seed() -> None:
    sources = [photograph("coffee")]
    first, again = (collage(sources, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    steps = np.abs(np.diff(first.astype(int), axis=0, append=0)) > 40
    assert (squares(steps.astype(np.uint8), 160).mean((1, 2, 3)) > 0.005).mean() > 0.9


@pytest.mark.skipif(not FOLDER.exists(), reason="no pictures for training here")
def test_a_mosaic_is_cut_into_whole_portraits() -> None:
    mosaic = next(mosaics())
    assert squares(mosaic, SCALE * PATCH).shape == (64, 160, 160, 3)


def test_a_batch_turns_the_small_and_the_large_picture_alike() -> None:
    make = train_network.batches(coffee_pairs())
    for seed in range(4):
        small, large = make(np.random.default_rng(seed))
        assert small.shape == (train_network.BATCH, 3, train_network.SIDE, train_network.SIDE)
        halved = functional.avg_pool2d(large, SCALE)
        assert (halved - small).abs().mean() < 4


def test_the_network_begins_with_the_teachers_first_blocks(tmp_path: Path) -> None:
    file = teacher(tmp_path)
    begun, whole = train_network.student(file).state_dict(), torch.load(file, weights_only=True)
    assert {name for name in whole if name not in begun} == {
        name for name in whole if name[:2] in ("B3", "B4")
    }
    assert all(torch.equal(tensor, whole[name]) for name, tensor in begun.items())


def test_a_few_steps_reduce_the_loss_and_the_training_continues(tmp_path: Path) -> None:
    file, make = teacher(tmp_path), train_network.batches(coffee_pairs())
    batch = make(np.random.default_rng(0))
    before = train_network.loss(train_network.student(file), batch)
    for until in (4, 16):
        options = Options(out=tmp_path, steps=20, until=until)
        training = Training(train_network.PLAN, lambda: train_network.student(file), options)
        training.run(make, train_network.loss)
    assert training.step == 16
    assert train_network.loss(training.network, batch) < before
