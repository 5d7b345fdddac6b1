"""Trains the character encoder: `make train NAME=text_similarity.characters`."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.data.text_pairs import PAIRS, spearman
from containers.text_similarity.characters import codes_of, rows_of
from training.loop import Options, Plan, Training, export
from training.text_similarity.network import CharacterEncoder
from training.text_similarity.sentences import FAMILY, family

PLAN = Plan(name="text_similarity", steps=2000, rate=3e-3, warm_up=100, average=0.998)
FAMILIES = 48  # families of a batch
CENTRED = 1000  # texts whose mean vector is subtracted
LONGEST = 64  # characters of a text in training

_SHARPNESS = 10.0  # scale of CoSENT's differences

Texts = tuple[Tensor, Tensor, Tensor]
"""The inputs of the network: code points, rows of characters and rows of pairs."""


def main() -> None:
    options = Options.read()
    training = Training(PLAN, CharacterEncoder, options)
    network = training.run(batch, loss, progress=progress, every=100)
    centre(network)
    export(network, options.out / f"{PLAN.name}.safetensors")


def centre(network: nn.Module) -> None:
    """Sets the network's mean, which is 0 in training, to that of `CENTRED` texts of other families."""
    generator = np.random.default_rng((PLAN.seed, PLAN.steps))
    texts = texts_of([family(generator)[0][0] for _ in range(CENTRED)])
    device = next(network.parameters()).device
    with torch.no_grad():
        network.get_buffer("mean").copy_(network(*(rows.to(device) for rows in texts)).mean(0))


def batch(generator: np.random.Generator) -> tuple[Tensor, ...]:
    """Returns the texts of some families, and their meanings, (N, SIZE) of length 1."""
    made = [one for _ in range(FAMILIES) for one in family(generator)]
    meanings = torch.from_numpy(np.stack([meaning for _, meaning in made]))
    return *texts_of([text for text, _ in made]), meanings


def texts_of(texts: Sequence[str]) -> Texts:
    """Returns the network's inputs for the texts, which are padded with 0 at the end."""
    every = [codes_of(text[:LONGEST]) for text in texts]
    codes = np.zeros((len(every), max(map(len, every))), np.int64)
    for row, each in zip(codes, every, strict=True):
        row[: len(each)] = each
    characters, bigrams = rows_of(codes)
    return torch.from_numpy(codes), torch.from_numpy(characters), torch.from_numpy(bigrams)


def loss(network: nn.Module, made: tuple[Tensor, ...]) -> Tensor:
    """Adds the distance from the meanings and CoSENT, over a family's pairs and 1 % of all other pairs."""
    *texts, meanings = made
    vectors = network(*texts)
    found, wanted = vectors @ vectors.T, meanings @ meanings.T
    pairs = torch.triu_indices(len(vectors), len(vectors), 1, device=vectors.device)
    one_percent = torch.arange(pairs.shape[1], device=vectors.device) % 100 == 0
    first, second = pairs[:, (pairs[0] // FAMILY == pairs[1] // FAMILY) | one_percent]
    distance: Tensor = 1 - (vectors * meanings).sum(1).mean()
    return distance + 0.01 * cosent(found[first, second], wanted[first, second])


def cosent(found: Tensor, wanted: Tensor) -> Tensor:
    """Returns CoSENT, by Su Jianlin, of (P,) cosines: each two pairs should have the right order.

    found: cosines of the network's vectors. wanted: cosines of the meanings.
    """
    differences = _SHARPNESS * (found[None] - found[:, None])
    differences = differences[wanted[:, None] > wanted[None] + 0.05]
    return torch.logsumexp(torch.cat([differences.new_zeros(1), differences]), 0)


def progress(network: nn.Module) -> str:
    """Returns the network's Spearman correlation on the benchmark's pairs, as a note for the log."""
    device = next(network.parameters()).device
    with torch.no_grad():
        first, second = (
            network(*(rows.to(device) for rows in texts_of([str(pair[side]) for pair in PAIRS])))
            for side in (1, 2)
        )
    return f"Spearman {spearman([pair.grade for pair in PAIRS], (first * second).sum(1).tolist()):.3f}"


if __name__ == "__main__":
    main()
