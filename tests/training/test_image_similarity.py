"""The data, network and loss of the descriptor of near-duplicates."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from containers.image_similarity.feature import DIMENSIONS
from containers.image_similarity.networks.descriptor import Descriptor
from containers.image_similarity.networks.harmonics import REACH, SIGMAS, STRIDE, LocalHarmonics
from containers.image_similarity.view import view
from training.image_similarity import pool, train_descriptor
from training.image_similarity.copies import SIDE, copy
from training.image_similarity.pool import Pool
from training.image_similarity.programs import picture
from training.image_similarity.train_descriptor import contrast, loss, whiten
from training.material import Portrait


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool of three pictures from programs, three pieces of two photographs, and two portraits."""
    monkeypatch.setattr(pool, "PROGRAMS", 3)
    monkeypatch.setattr(pool, "PIECES", 3)
    whole = tuple(picture(np.random.default_rng(seed)) for seed in (7, 8))
    monkeypatch.setattr(pool, "photographs", lambda: whole)
    monkeypatch.setattr(pool, "portraits", lambda: map(Portrait, "ab", "12", whole))
    return Pool.open(tmp_path / "pool.npz")


def test_programs_draw_the_same_picture_for_the_same_seed_only() -> None:
    random, again = np.random.default_rng(0), np.random.default_rng(0)
    first, second = picture(random), picture(random)
    assert first.shape == second.shape == (224, 224, 3)
    assert np.array_equal(first, picture(again))
    assert not np.array_equal(first, second)


def test_pieces_of_one_photograph_are_in_one_group(small: Pool) -> None:
    random = np.random.default_rng(0)
    groups = {small.draw(random).group for _ in range(60)}
    assert groups <= {-1, 0, 1}
    assert len(groups) > 1


def test_a_copy_of_strength_0_is_the_picture_and_a_strong_one_is_not(small: Pool) -> None:
    random = np.random.default_rng(0)
    source = cv2.GaussianBlur(small.draw(random).pixels, (0, 0), 3).astype(np.uint8)
    same = cv2.resize(source, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    plain = copy(source, random, small, 0)
    assert np.abs(plain.astype(float) - same).mean() < 4
    changed = [np.abs(copy(source, random, small, 1).astype(float) - same).mean() for _ in range(9)]
    assert np.median(changed) > 10


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_responses_are_the_convolution_with_circular_harmonics(n: int) -> None:
    views = torch.randn(2, 1, 133, 133, generator=torch.Generator().manual_seed(0))
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1] / SIGMAS[1]
    harmonic = (x + 1j * y) ** n * np.exp(-(x * x + y * y) / 2)
    parts = np.stack((harmonic.real, harmonic.imag)) / np.linalg.norm(harmonic)
    expected = functional.conv2d(views, torch.from_numpy(parts).float()[:, None], stride=STRIDE)
    found = LocalHarmonics(133).responses(views)[:, 1, 2 * n - 1 : 2 * n + 1]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_quarter_turns_and_mirroring_do_not_change_the_vector() -> None:
    views = torch.randn(2, 1, 133, 133, generator=torch.Generator().manual_seed(0))
    network = Descriptor().eval()
    with torch.no_grad():
        vectors = network(views)
        assert vectors.shape == (2, DIMENSIONS)
        for changed in (views.rot90(1, (2, 3)), views.flip(3), views.flip(2)):
            torch.testing.assert_close(network(changed), vectors, atol=1e-4, rtol=1e-4)


def test_whitened_pictures_are_unlike_each_other(small: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The median of their cosines is about 0, and all vectors have length 1."""
    monkeypatch.setattr(train_descriptor, "PICTURES", 24)
    network = Descriptor().eval()
    whiten(network, small)
    random = np.random.default_rng(5)
    views = np.stack([view(picture(random)) for _ in range(12)])
    with torch.no_grad():
        vectors = network(torch.from_numpy(views))
    assert vectors.norm(dim=1).numpy() == pytest.approx(1, abs=1e-4)
    white = functional.normalize(vectors[:, :-1])
    assert (white @ white.T).median().abs() < 0.3


def test_the_loss_is_smaller_when_copies_agree_and_when_pictures_differ() -> None:
    random, alone = torch.Generator().manual_seed(0), torch.full((8,), -1)
    one, other = functional.normalize(torch.randn(2, 8, 16, generator=random), dim=2)
    alike, unlike = contrast(torch.cat((one, one)), alone), contrast(torch.cat((one, other)), alone)
    assert alike < unlike
    spread, same = torch.eye(8, 16), torch.ones(8, 16) / 4
    assert contrast(torch.cat((spread, spread)), alone) < contrast(torch.cat((same, same)), alone)


def test_pictures_of_one_group_are_not_driven_apart() -> None:
    vectors = torch.eye(4, 16)[[0, 0, 1, 2]]
    both = torch.cat((vectors, vectors))
    free, held = torch.tensor([-1, -1, -1, -1]), torch.tensor([5, 5, -1, -1])
    assert contrast(both, held) < contrast(both, free) - 0.1


def test_two_steps_of_training_stay_finite() -> None:
    torch.manual_seed(0)
    network = Descriptor()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    flat = torch.zeros(1, 1, 133, 133)
    batch = {"views": torch.cat((flat, torch.randn(3, 1, 133, 133)) * 2), "groups": torch.arange(4)}
    for _ in range(2):
        optimiser.zero_grad()
        found = loss(network, batch)
        found.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        assert torch.isfinite(found)
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
