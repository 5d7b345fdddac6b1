"""Images enlarged by a network, a few tiles at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.image_super_resolution.tiles import LARGEST, STEP, Tile, tiles
from containers.image_super_resolution.weight_files import REAL_ESRGAN, RLFN
from serving.arrays import Pixels
from serving.executor import Executor, Outputs, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SCALES = (2, 4)


class _Piece(NamedTuple):
    """One tile of one image, and what it is part of once enlarged."""

    tile: Tile
    image: Pixels
    target: Pixels


class Enlarger:
    """networks: by scale, (N, 3, H, W) RGB in 0..255 -> (N, 3, scale H, scale W)."""

    def __init__(self, networks: Mapping[int, Executor]) -> None:
        self._networks = networks

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """The networks of either profile, compiled for the device."""
        return cls(
            {
                scale: compile(
                    partial(_network, weights, scale),
                    np.zeros((1, 3, 2 * STEP, 2 * STEP), np.float32),
                    device=device,
                    cache=weights.derived(f"x{scale}"),
                    warm_up=[(1, 3, LARGEST, LARGEST)],
                )
                for scale in SCALES
            }
        )

    def enlarge(self, images: Sequence[Pixels], scales: Sequence[int]) -> list[Pixels]:
        """(H, W, 3) RGB images, each by its scale. Tiles of one size share passes, whosever they are."""
        results = []
        alike: dict[tuple[int, int, int], list[_Piece]] = defaultdict(list)
        for image, scale in zip(images, scales, strict=True):
            height, width = image.shape[:2]
            results.append(np.empty((scale * height, scale * width, 3), np.uint8))
            for tile in tiles(height, width):
                alike[scale, tile.height, tile.width].append(_Piece(tile, image, results[-1]))
        for (scale, *_), pieces in alike.items():
            self._run(scale, pieces)
        return results

    def _run(self, scale: int, pieces: list[_Piece]) -> None:
        def place(outputs: Outputs, together: list[_Piece]) -> None:
            for (tile, _, target), enlarged in zip(together, outputs[0], strict=True):
                tile.paste(enlarged, target, scale)

        inputs = (
            (np.stack([tile.cut(image) for tile, image, _ in together]), together)
            for together in _passes(pieces)
        )
        self._networks[scale].map_with(inputs, place)


def _passes(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces of one size, in groups of no more pixels than the largest tile has."""
    tile = pieces[0].tile
    count = LARGEST**2 // (tile.height * tile.width)
    return (pieces[start : start + count] for start in range(0, len(pieces), count))


def _network(weights: Weights, scale: int) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    if RLFN.name in weights:
        from containers.image_super_resolution.networks.rlfn import rlfn

        return rlfn(weights[RLFN.name], scale)
    from containers.image_super_resolution.networks.rrdb import real_esrgan

    return real_esrgan(Path(weights[REAL_ESRGAN[scale].name]))
