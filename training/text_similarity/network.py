"""The network of `containers.text_similarity.characters` in torch; that module describes it."""

import torch
from torch import Tensor, nn

from containers.text_similarity.characters import BIGRAMS, CHARACTERS, SIZE

_WIDTH = 160


class CharacterEncoder(nn.Module):
    """Code points (N, L), rows of characters (N, L) and of pairs (N, L - 1), int64 -> (N, SIZE), length 1.

    mean: mean vector of many texts, which is subtracted from each vector so that unrelated texts have a
    cosine near 0. It is 0 in training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.characters = nn.Embedding(CHARACTERS, _WIDTH)
        self.bigrams = nn.Embedding(BIGRAMS, _WIDTH)
        for table in (self.characters, self.bigrams):
            nn.init.normal_(table.weight, std=0.1)
        self.mix = nn.Conv1d(_WIDTH, 2 * _WIDTH, 3, padding=1)
        self.feed = nn.Sequential(
            nn.LayerNorm(2 * _WIDTH), nn.GELU(approximate="tanh"), nn.Linear(2 * _WIDTH, _WIDTH)
        )
        self.weigh = nn.Linear(_WIDTH, 1)
        self.project = nn.Linear(_WIDTH, SIZE, bias=False)
        self.mean: Tensor
        self.register_buffer("mean", torch.zeros(SIZE))

    def forward(self, codes: Tensor, characters: Tensor, bigrams: Tensor) -> Tensor:
        seen = (codes != 0).unsqueeze(2)
        states = self.characters(characters) * seen
        pairs = self.bigrams(bigrams) * (seen[:, 1:] & seen[:, :-1])
        states = states + nn.functional.pad(pairs, (0, 0, 0, 1)) + nn.functional.pad(pairs, (0, 0, 1, 0))
        mixed = self.mix(states.transpose(1, 2)).transpose(1, 2)
        states = states + self.feed(mixed)
        weights = nn.functional.softplus(self.weigh(states)) * seen
        summed: Tensor = self.project((states * weights).sum(1))
        return nn.functional.normalize(nn.functional.normalize(summed, dim=1) - self.mean, dim=1)
