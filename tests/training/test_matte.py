"""The training of the portrait matte network, on portraits that are drawn here."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.faces import train_matte
from training.faces.data.matte_bodies import Frame, body, head
from training.faces.data.matte_labels import SIDE, Labelled, is_clean
from training.faces.data.matte_scenes import Scene, scene, shown
from training.faces.networks.matte import MatteNetwork
from training.loop import Options, Plan, Training

PHOTOGRAPHS = (np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8),)
SAME = np.array(((1, 0, 40), (0, 1, 8)), np.float32)


@pytest.fixture
def heads() -> Labelled:
    """One portrait: a bright face before black, which reaches the lower edge."""
    opacity = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(opacity, (88, 96), (50, 80), 0, 0, 360, 255, -1)
    pixels = np.repeat(opacity[..., None] // 2, 3, 2)
    return Labelled(pixels[None], opacity[None], np.zeros(1, bool))


def test_a_portrait_lies_at_the_place_that_its_frame_gives(heads: Labelled) -> None:
    found = head(np.random.default_rng(0), heads.pixels[0], heads.opacities[0], Frame(SAME, 256))
    rows, columns = slice(8, SIDE - 2), slice(40, 40 + SIDE)
    np.testing.assert_array_equal(found.opacity[rows, columns], heads.opacities[0][: SIDE - 10])
    np.testing.assert_array_equal(found.colours[rows, columns], heads.pixels[0][: SIDE - 10])


def test_a_head_that_the_picture_cut_is_rounded_above_the_cut(heads: Labelled) -> None:
    cut = np.roll(heads.opacities[0], -60, 0)
    frame = Frame(SAME + np.array(((0, 0, 0), (0, 0, 60)), np.float32), 256)
    found = head(np.random.default_rng(0), heads.pixels[0], cut, frame)
    assert found.opacity[60, 40 + 88] == 255
    assert found.opacity[68 - 60].max() == 0


def test_a_body_lies_below_its_head(heads: Labelled) -> None:
    skin = np.full(3, 120, np.float32)
    for seed in range(5):
        parts = body(
            np.random.default_rng(seed),
            heads.opacities[0],
            skin,
            Frame(SAME / np.float32(2), 400),
            PHOTOGRAPHS,
        )
        covered = np.max([part.opacity for part in parts], 0)
        assert covered[: SIDE // 2 - 30].max() == 0
        assert (covered[100:200].max(1) == 255).all()


@pytest.mark.parametrize("seed", range(5))
def test_picture_and_opacity_move_together(seed: int) -> None:
    opacity = cv2.circle(np.zeros((128, 128), np.uint8), (40, 50), 30, 255, -1).astype(np.uint8)
    image, moved = shown(np.random.default_rng(seed), Scene(np.repeat(opacity[..., None], 3, 2), opacity))
    assert np.corrcoef(image.mean(2).ravel(), moved.ravel())[0, 1] > 0.9


def test_scenes_with_and_without_people_occur(heads: Labelled) -> None:
    random = np.random.default_rng(0)
    covered = [scene(random, heads, PHOTOGRAPHS, 64).opacity.mean() / 255 for _ in range(60)]
    assert 0 < np.mean(np.array(covered) == 0) < 0.3
    assert np.std(covered) > 0.1


def test_opacities_of_which_the_teacher_is_unsure_are_not_clean(heads: Labelled) -> None:
    assert is_clean(heads.opacities[0])
    assert not is_clean((heads.opacities[0] // 2).astype(np.uint8))
    assert not is_clean(np.zeros((SIDE, SIDE), np.uint8))


def test_the_same_seed_gives_the_same_batch(heads: Labelled) -> None:
    one, other = (
        train_matte.batch(np.random.default_rng(3), heads=heads, backgrounds=PHOTOGRAPHS) for _ in range(2)
    )
    assert one[0].shape == (train_matte.BATCH, 3, 128, 128)
    assert one[1].shape == (train_matte.BATCH, 1, 128, 128)
    assert one[1].min() == 0
    assert one[1].max() == 1
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


class Constant(nn.Module):
    """A network that gives the same logits for any picture."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = values

    def logits(self, _: Tensor) -> Tensor:
        return self.values


def test_the_loss_is_smallest_at_the_right_opacity(heads: Labelled) -> None:
    wanted = torch.from_numpy(heads.opacities[None]).float() / 255
    costs = [
        train_matte.loss(Constant(20 * opacity - 10), (wanted, wanted))
        for opacity in (wanted, 0 * wanted, 1 - wanted)
    ]
    assert costs[0] < 0.01
    assert costs[0] < costs[1] < costs[2]


def test_after_two_steps_the_network_gives_opacities(heads: Labelled, tmp_path: Path) -> None:
    training = Training(Plan(name="matte", steps=2, rate=1e-3), MatteNetwork, Options(out=tmp_path))
    make = partial(train_matte.batch, heads=heads, backgrounds=PHOTOGRAPHS)
    network = training.run(make, train_matte.loss)
    with torch.inference_mode():
        found = network(torch.zeros(1, 3, 96, 160))
    assert found.shape == (1, 1, 96, 160)
    assert ((found > 0) & (found < 1)).all()
