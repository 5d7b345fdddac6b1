"""The enlarger runs images through a network, a few tiles at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from containers.image_super_resolution.feature import REAL_ESRGAN, RLFN, SMALL
from containers.image_super_resolution.tiles import LARGEST, STEP, Tile, tiles
from serving.arrays import Pixels
from serving.executor import Executor, Outputs, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


SCALES = (2, 4)


class _Piece(NamedTuple):
    """One tile of an image, and the enlarged image that receives its result."""

    tile: Tile
    image: Pixels
    target: Pixels


class Enlarger:
    """Enlarges images of any size by tiles.

    networks: one for each scale. It turns (N, 3, H, W) RGB in 0..255 into (N, 3, scale H, scale W).
    """

    def __init__(self, networks: Mapping[int, Executor]) -> None:
        self._networks = networks

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the networks of the weights' profile and compiles them for the device."""
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
        """Enlarges each (H, W, 3) RGB image by its scale.

        Tiles of one size go through the network together, whichever image they belong to.
        """
        results = []
        pieces_by_size: dict[tuple[int, int, int], list[_Piece]] = defaultdict(list)
        for image, scale in zip(images, scales, strict=True):
            height, width = image.shape[:2]
            results.append(np.empty((scale * height, scale * width, 3), np.uint8))
            for tile in tiles(height, width):
                pieces_by_size[scale, tile.height, tile.width].append(_Piece(tile, image, results[-1]))
        for (scale, *_), pieces in pieces_by_size.items():
            self._run(scale, pieces)
        return results

    def _run(self, scale: int, pieces: list[_Piece]) -> None:
        def place(outputs: Outputs, together: list[_Piece]) -> None:
            for (tile, _, target), enlarged in zip(together, outputs[0], strict=True):
                tile.paste(enlarged, target, scale)

        inputs = (
            (np.stack([tile.cut(image) for tile, image, _ in together]), together)
            for together in _batches(pieces)
        )
        self._networks[scale].map_with(inputs, place)


def _batches(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Groups pieces of one size. A group has at most as many pixels as the largest tile."""
    tile = pieces[0].tile
    count = LARGEST**2 // (tile.height * tile.width)
    return (pieces[start : start + count] for start in range(0, len(pieces), count))


def _network(weights: Weights, scale: int) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    if REAL_ESRGAN[0].name in weights:
        from containers.image_super_resolution.networks.rrdb import real_esrgan

        layers, parameters = (weights[file.name] for file in REAL_ESRGAN)
        return real_esrgan(layers, parameters, scale)
    from containers.image_super_resolution.networks.rlfn import rlfn

    return rlfn(weights[SMALL.name if SMALL.name in weights else RLFN.name], scale)
