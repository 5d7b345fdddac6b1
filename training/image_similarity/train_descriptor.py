"""Trains the descriptor by the recipe of SSCD, on a CPU: `make train NAME=image_similarity.descriptor`.

SSCD: https://arxiv.org/abs/2202.10261. InfoNCE draws the vectors of one picture's copies together. The
differential entropy (Kozachenko and Leonenko) drives the vectors of all pictures apart.
"""

from typing import cast

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional

from containers.image_similarity.feature import DIMENSIONS
from containers.image_similarity.networks.descriptor import Descriptor
from containers.image_similarity.view import view
from training.image_similarity.copies import copy
from training.image_similarity.pool import Pool
from training.loop import Options, Plan, Training, export

PLAN = Plan(name="image_similarity", steps=500, rate=2e-3, warm_up=40, average=0.99)
PAIRS = 96  # pictures of a batch, with two copies each
TEMPERATURE = 0.07
ENTROPY = 0.5  # weight of the entropy in the loss
PICTURES = 2048  # pictures from which the whitening is computed
RIDGE = 1e-3  # share of the largest variance that is added to all, so that small ones are amplified less


class Batches:
    """Makes two copies of each picture: one with light changes and one with strong changes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        cv2.setNumThreads(0)

    def __call__(self, random: Generator) -> dict[str, Tensor]:
        """Returns `views`, (2 PAIRS, 1, 133, 133), and `groups`, (PAIRS,).

        The two copies of a picture are PAIRS rows apart.
        """
        sources = [self._pool.draw(random) for _ in range(PAIRS)]
        copies = [
            copy(source.pixels, random, self._pool, strength * random.uniform(0.5, 1))
            for strength in (0.4, 1)
            for source in sources
        ]
        views = torch.from_numpy(np.stack([view(each) for each in copies]))
        return {"views": views, "groups": torch.tensor([source.group for source in sources])}


def loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    network = cast(Descriptor, network)
    return contrast(functional.normalize(network.learned(network.local(batch["views"]))), batch["groups"])


def contrast(vectors: Tensor, groups: Tensor) -> Tensor:
    """Returns the loss of (2 N, D) vectors of length 1.

    Pictures of one group are not driven apart, except in group -1.
    """
    count = len(vectors)
    cosines = vectors @ vectors.T
    own = torch.arange(count, device=vectors.device).roll(count // 2)
    both = torch.cat((groups, groups))
    kin = (both[:, None] == both) & (both >= 0) | (own[:, None] == own)
    copy = own[:, None] == torch.arange(count, device=vectors.device)
    info = functional.cross_entropy((cosines / TEMPERATURE).masked_fill(kin & ~copy, -1e4), own)
    nearest = (2 - 2 * cosines.masked_fill(kin | copy, -1).amax(1)).clamp_min(1e-6).sqrt()
    return info - ENTROPY * nearest.log().mean()


@torch.no_grad()
def whiten(network: Descriptor, pool: Pool) -> None:
    """Computes the last layer from the other layers' outputs for lightly changed pictures.

    Both halves of a vector get the same weight.
    """
    random = np.random.default_rng(PLAN.seed)
    sources = (pool.draw(random).pixels for _ in range(PICTURES))
    copies = (copy(source, random, pool, 0.4 * random.random()) for source in sources)
    views = torch.from_numpy(np.stack([view(each) for each in copies]))
    described = torch.cat([network.described(batch) for batch in torch.split(views, 32)]).double()
    mean, variances = described.mean(0), described.var(0)
    spreads = [half.sum().expand(len(half)) for half in torch.split(variances, DIMENSIONS)]
    scale = torch.cat(spreads).rsqrt()
    scaled = (described - mean) * scale
    variances, axes = torch.linalg.eigh(scaled.T @ scaled / PICTURES)
    factors = (variances.clamp_min(0) + RIDGE * variances.max()).rsqrt()
    matrix = (axes * factors).T[-len(network.whitening.weight) :] * scale
    network.whitening.weight.copy_(matrix)
    network.whitening.bias.copy_(-matrix @ mean)


def main() -> None:
    options = Options.read()
    pool = Pool.open(options.out / "image_similarity.npz")
    training = Training(PLAN, Descriptor, options)
    network = cast(Descriptor, training.run(Batches(pool), loss, every=20))
    whiten(network, pool)
    export(network, options.out / "copies.safetensors")


if __name__ == "__main__":
    main()
