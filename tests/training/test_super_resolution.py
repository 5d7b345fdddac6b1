"""The training of image_super_resolution's own network: its pictures, optimiser and network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import resized
from training.loop import Options, Training, export
from training.material import FOLDER
from training.super_resolution import train_network
from training.super_resolution.muon import orthogonal
from training.super_resolution.pairs import PATCH, SCALE, Pairs, mosaics, squares
from training.super_resolution.pictures import collage
from training.super_resolution.plain import PlainNet, plain


def coffee_pairs() -> Pairs:
    large = squares(photograph("coffee"), SCALE * PATCH)
    return Pairs(np.stack([resized(each, 1 / SCALE) for each in large]), large)


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
        halved = functional.avg_pool2d(large, SCALE)
        assert (halved - small).abs().mean() < 4


def test_the_untrained_network_gives_bicubic_and_scale_2_is_scale_4_halved(tmp_path: Path) -> None:
    network, image = PlainNet(), torch.rand(1, 3, 20, 24) * 255
    inner = np.s_[..., 12:-12, 12:-12]
    bicubic = functional.interpolate(image, scale_factor=SCALE, mode="bicubic")
    torch.testing.assert_close(network(image)[inner], bicubic[inner], atol=1e-3, rtol=0)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    export(network, tmp_path / "plain.safetensors")
    four, two = (plain(tmp_path / "plain.safetensors", scale)(image) for scale in (4, 2))
    torch.testing.assert_close(two, functional.avg_pool2d(four, 2), atol=1e-2, rtol=0)


def test_steps_of_muon_have_singular_values_near_one() -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(32, 288)))
    assert 0.5 < values.min() < values.max() < 1.5


def test_a_few_steps_reduce_the_loss_and_the_training_continues(tmp_path: Path) -> None:
    make = train_network.batches(coffee_pairs())
    batch = make(np.random.default_rng(0))
    before = train_network.loss(PlainNet(), batch)
    for until in (4, 16):
        options = Options(out=tmp_path, steps=20, until=until)
        training = Training(train_network.PLAN, PlainNet, options, train_network.muon)
        training.run(make, train_network.loss)
    assert training.step == 16
    assert train_network.loss(training.network, batch) < before
