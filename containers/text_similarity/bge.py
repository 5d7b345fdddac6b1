"""Vectors of the BERT network BGE: the profile `standard`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
from tokenizers import Tokenizer

from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import DIMENSIONS, MAX_TEXTS
from containers.text_similarity.weight_files import BGE, TOKENIZER
from serving.arrays import Floats, Integers
from serving.embeddings import unit
from serving.errors import UnprocessableInput
from serving.executor import Executor, Outputs, compile, resolve_device
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

LENGTHS = (32, 64, 128, 256, 512)
"""Tokens that a text is filled up to, so that few shapes serve texts of every length."""

LONGEST = LENGTHS[-1]
"""Tokens of a text that count, with the two marks around it."""

MOST_ON_CPU = 8192
"""Tokens of one call, each text filled up: what two cores compute in some ten seconds."""

_TOGETHER = 4096  # tokens computed at once


class Bge(Encoder):
    """network: as `network.Bert`, compiled. most: tokens of one call."""

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
        tokens = sum(_length(len(one.content)) for one in prepared)
        if tokens > self._most:
            raise UnprocessableInput(f"texts: {tokens} tokens together, at most {self._most} in one call")
        return prepared

    def _prepared(self, text: str) -> Prepared:
        """Its tokens between the two marks of BERT; of too many the first, and the end mark."""
        tokens = np.array(self._tokenizer.encode(text).ids, np.int64)
        if len(tokens) <= LONGEST:
            return Prepared(tokens, False)
        return Prepared(np.append(tokens[: LONGEST - 1], tokens[-1]), True)

    def embed(self, texts: Sequence[Prepared]) -> Floats:
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)

        def keep(outputs: Outputs, batch: list[int]) -> None:
            vectors[batch] = unit(outputs[0])

        batches = _batches([len(text.content) for text in texts])
        self._network.map_with(
            ((_filled([texts[index].content for index in batch]), batch) for batch in batches), keep
        )
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of texts of one length when filled up, few enough to be computed together."""
    alike = defaultdict(list)
    for index, length in enumerate(lengths):
        alike[_length(length)].append(index)
    for length, indices in alike.items():
        rows = _TOGETHER // length
        yield from (indices[start : start + rows] for start in range(0, len(indices), rows))


def _filled(rows: Sequence[Integers]) -> Integers:
    """(N, L), with zeros, which is BERT's padding, behind each row."""
    filled = np.zeros((len(rows), _length(max(map(len, rows)))), np.int64)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return filled


def _length(tokens: int) -> int:
    return next(length for length in LENGTHS if length >= tokens)


def _network(weights: Weights) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.text_similarity import network

    return network.Bert(weights[BGE.name])
