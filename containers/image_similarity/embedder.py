"""The embedder turns images into vectors of length 1 with the descriptor or network of a profile."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from containers.image_similarity.feature import CLIP, COPIES
from containers.image_similarity.view import view
from serving.arrays import Floats, Pixels
from serving.embeddings import unit
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


VERSIONS = {"lite": "copies/1", "standard": "clip-vit-b32-openai/1"}
"""The model version that each profile reports.

Raise it with every change to a descriptor: the compiled network is cached under this name.
"""


class Embedder:
    """Prepares images and embeds them in batches.

    view: turns (H, W, 3) uint8 RGB into (C, S, S), the input of the network.
    network: turns (N, C, S, S) into (N, 512).
    """

    def __init__(self, view: Callable[[Pixels], Floats], network: Executor, version: str) -> None:
        self.view, self._network, self.version = view, network, version

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        version = VERSIONS[weights.profile]
        prepare, network = _clip(weights) if CLIP.name in weights else _copies(weights)
        example = prepare(np.zeros((2, 2, 3), np.uint8))[None]
        cache = weights.derived(version.replace("/", "-"))
        sizes = [(size, *example.shape[1:]) for size in (1, 2, 4, 8)]
        return cls(prepare, compile(network, example, device=device, cache=cache, warm_up=sizes), version)

    def embed(self, views: Sequence[Floats]) -> Floats:
        """Returns one vector of length 1 for each view, stacked to (N, 512)."""
        return unit(self._network(np.stack(views))[0])


def _copies(weights: Weights) -> "tuple[Callable[[Pixels], Floats], Callable[[], torch.nn.Module]]":
    return view, partial(_descriptor, weights[COPIES.name])


def _descriptor(file: Path) -> "torch.nn.Module":
    # imported late, because loading a compiled network does not need torch
    from containers.image_similarity.networks.descriptor import descriptor

    return descriptor(file)


def _clip(weights: Weights) -> "tuple[Callable[[Pixels], Floats], Callable[[], torch.nn.Module]]":
    from containers.image_similarity.networks import clip

    file = weights[CLIP.name]
    return partial(clip.view, side=clip.side(file)), partial(clip.image_tower, file)
