"""The encoder of the profile `standard`, with the BERT network BGE."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
from tokenizers import Tokenizer

from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import BGE, DIMENSIONS, MAX_TEXTS, TOKENIZER
from serving.arrays import Floats, Integers
from serving.embeddings import unit
from serving.errors import UnprocessableInput
from serving.executor import Executor, Outputs, compile, resolve_device
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

LENGTHS = (32, 64, 128, 256, 512)
"""The numbers of tokens that texts are padded to, so that a few shapes serve all lengths."""

LONGEST = LENGTHS[-1]
"""The most tokens of a text that count, including the start and end tokens."""

MOST_ON_CPU = 8192
"""The most tokens of one call, with padding. Two cores compute them in about ten seconds."""

_TOGETHER = 4096  # tokens that go through the network together


class Bge(Encoder):
    """Embeds texts. network: the compiled `network.Bert`. most: the most tokens of one call."""

    version = "bge-base-zh-v1.5/1"

    def __init__(self, tokenizer: Tokenizer, network: Executor, *, most: int) -> None:
        self._tokenizer, self._network, self._most = tokenizer, network, most

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        tokenizer = Tokenizer.from_file(str(weights[TOKENIZER.name]))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        network = compile(
            partial(_network, weights),
            np.ones((2, LENGTHS[0]), np.int64),
            device=device,
            cache=weights.derived("bge"),
            warm_up=[(rows, length) for length in LENGTHS for rows in (1, 8)],
        )
        on_cpu = resolve_device(device).startswith("cpu")
        return cls(tokenizer, network, most=MOST_ON_CPU if on_cpu else MAX_TEXTS * LONGEST)

    def prepare(self, texts: Sequence[str]) -> list[Prepared]:
        prepared = [self._prepared(text) for text in texts]
        tokens = sum(_padded_length(len(one.content)) for one in prepared)
        if tokens > self._most:
            raise UnprocessableInput(f"texts: {tokens} tokens together, at most {self._most} in one call")
        return prepared

    def _prepared(self, text: str) -> Prepared:
        """Tokenises a text, with start and end token.

        A long text keeps its first tokens and the end token.
        """
        tokens = np.array(self._tokenizer.encode(text).ids, np.int64)
        if len(tokens) <= LONGEST:
            return Prepared(tokens, False)
        return Prepared(np.append(tokens[: LONGEST - 1], tokens[-1]), True)

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)

        def store(outputs: Outputs, batch: list[int]) -> None:
            vectors[batch] = unit(outputs[0])

        batches = _batches([len(text.content) for text in texts])
        self._network.map_with(
            ((_padded([texts[index].content for index in batch]), batch) for batch in batches), store
        )
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yields batches of indices. The texts of a batch have the same padded length."""
    by_length = defaultdict(list)
    for index, length in enumerate(lengths):
        by_length[_padded_length(length)].append(index)
    for length, indices in by_length.items():
        rows = _TOGETHER // length
        yield from (indices[start : start + rows] for start in range(0, len(indices), rows))


def _padded(rows: Sequence[Integers]) -> Integers:
    """Pads rows of tokens with zeros, BERT's padding token, to (N, L)."""
    padded = np.zeros((len(rows), _padded_length(max(map(len, rows)))), np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded


def _padded_length(tokens: int) -> int:
    return next(length for length in LENGTHS if length >= tokens)


def _network(weights: Weights) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    from containers.text_similarity import network

    return network.Bert(weights[BGE.name])
