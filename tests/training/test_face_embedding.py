"""The training of the face embedding network, on random faces and vectors."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.faces import train_embedding
from training.faces.data.embedding_labels import Known
from training.faces.networks.embedding import EmbeddingNetwork
from training.faces.train_embedding import Material, material, varied
from training.loop import Options, Plan, Training

NAMES = ("Ada", "Ada", "Ada", "Bob")


@pytest.fixture
def seen() -> Material:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    faces = random.integers(0, 256, (4, 112, 112), np.uint8)
    return material(Known(faces, vectors, np.array(NAMES), np.zeros(4, bool)))


def test_targets_lie_near_the_person_s_mean(seen: Material) -> None:
    torch.testing.assert_close(seen.targets.norm(dim=1), torch.ones(4))
    assert seen.people.tolist() == [0, 0, 0, 1]
    torch.testing.assert_close(seen.targets[3], seen.means[1])
    assert (seen.targets[:3] @ seen.means[0] > 0.8).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_varied_face_keeps_its_place(seed: int) -> None:
    face = np.full((112, 112), 40, np.uint8)
    face[50:62, 50:62] = 220
    found = varied(np.random.default_rng(seed), face)
    assert found.shape == (112, 112)
    assert found[53:59, 53:59].mean() > found[30:45, 40:72].mean() or found[53:59, 53:59].std() == 0


def test_the_surroundings_of_the_face_do_not_change_the_vector() -> None:
    network = EmbeddingNetwork().eval()
    faces = torch.rand(2, 1, 112, 112) * 255
    framed = faces.clone()
    framed[..., :27, :], framed[..., 107:, :], framed[..., :16], framed[..., 96:] = 0, 0, 0, 0
    with torch.inference_mode():
        torch.testing.assert_close(network.grey(faces), network.grey(framed))
        torch.testing.assert_close(
            network.grey(faces), network(faces.expand(-1, 3, -1, -1)), atol=1e-4, rtol=0
        )


class Constant(nn.Module):
    """A network that gives the same vectors for any faces."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.vectors = vectors

    def grey(self, _: Tensor) -> Tensor:
        return self.vectors


def test_the_loss_is_smallest_at_the_targets(seen: Material) -> None:
    examples = torch.zeros(4), seen.targets, seen.people
    costs = [
        train_embedding.loss(Constant(3 * vectors), examples, means=seen.means)
        for vectors in (seen.targets, seen.targets + 0.1, seen.targets[[3, 3, 3, 0]])
    ]
    assert costs[0] < costs[1] < costs[2]


def test_after_two_steps_the_network_gives_unit_vectors(seen: Material, tmp_path: Path) -> None:
    training = Training(Plan(name="embedding", steps=2, rate=1e-3), EmbeddingNetwork, Options(out=tmp_path))
    loss = partial(train_embedding.loss, means=seen.means)
    network = training.run(partial(train_embedding.batch, seen=seen), loss)
    assert isinstance(network, EmbeddingNetwork)
    vectors = train_embedding.embedded(network, torch.from_numpy(seen.faces)[:, None].float())
    assert vectors.shape == (4, 256)
    torch.testing.assert_close(F.cosine_similarity(vectors, vectors), torch.ones(4))
