"""Images enlarged by a network, a few tiles at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from containers.image_super_resolution.tiles import LARGEST, STEP, Tile, tiles
from containers.image_super_resolution.weight_files import REAL_ESRGAN, RLFN
from serving.executor import Executor, Outputs, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

Image = NDArray[np.uint8]

SCALES = (2, 4)


class _Piece(NamedTuple):
    """One tile of one image, and what it is part of once enlarged."""

    tile: Tile
    image: Image
    target: Image


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

    def enlarge(self, images: Sequence[Image], scales: Sequence[int]) -> list[Image]:
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
        passes = list(_passes(pieces))
        running = iter(passes)

        def place(outputs: Outputs) -> None:
            for (tile, _, target), enlarged in zip(next(running), outputs[0], strict=True):
                tile.paste(enlarged, target, scale)

        inputs = (np.stack([tile.cut(image) for tile, image, _ in each]) for each in passes)
        self._networks[scale].map(inputs, place)


def _passes(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces of one size, in groups of no more pixels than the largest tile has."""
    tile = pieces[0].tile
    count = LARGEST**2 // (tile.height * tile.width)
    return (pieces[start : start + count] for start in range(0, len(pieces), count))


def _network(weights: Weights, scale: int) -> "torch.nn.Module":
    if RLFN.name in weights:
        from containers.image_super_resolution.networks.rlfn import (
            rlfn,  # late: unless it is compiled already
        )

        return rlfn(weights[RLFN.name], scale)
    from containers.image_super_resolution.networks.rrdb import real_esrgan

    return real_esrgan(Path(weights[REAL_ESRGAN[scale].name]))
