"""PlateNet, a small recogniser of plates of every kind, trained by training/plates on drawn ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from containers.car_license_plate.agreement import Reading, agreed
from containers.car_license_plate.grammar import ALPHABET, Colour, Grammar, texts
from containers.general_ocr.recognition import Text
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

WIDTH, HEIGHT = 96, 24
CHARACTERS = (*ALPHABET, "")
"""Text of every class; the last is the CTC blank."""


class PlateNetReader:
    """platenet: (N, 3, 24, 96) -> (N, T, classes) logits."""

    FILE = "platenet.safetensors"
    BATCH = 64  # at most, so that memory is bounded

    def __init__(self, platenet: Executor) -> None:
        self._platenet, self._grammar = platenet, Grammar(CHARACTERS)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        file = weights[cls.FILE]
        example = np.zeros((2, 3, HEIGHT, WIDTH), np.float32)
        warm_up = [(count, *example.shape[1:]) for count in (1, 2, 4)]
        cache = weights.derived("platenet")
        return cls(compile(lambda: _network(file), example, device=device, cache=cache, warm_up=warm_up))

    def knows(self, rows: int, colour: Colour) -> bool:
        """Every kind of plate."""
        return True

    def opinions(self, lines: Sequence[Image], first: Sequence[Reading]) -> list[list[Text]]:
        """Of every upright (H, W, 3) RGB line what it and the `first` recogniser agree on."""
        return [
            agreed(heard, Reading(chances, texts([chances])[0]))
            for heard, chances in zip(first, self.chances(lines), strict=True)
        ]

    def chances(self, lines: Sequence[Image]) -> list[Floats]:
        """Of every upright (H, W, 3) RGB line, as `Grammar.chances`."""
        batches = (lines[start : start + self.BATCH] for start in range(0, len(lines), self.BATCH))
        found = self._platenet.map(
            map(network_input, batches), lambda outputs: self._grammar.chances(outputs[0])
        )
        return [chances for batch in found for chances in batch]


def network_input(lines: Sequence[Image]) -> Floats:
    """Upright (H, W, 3) RGB lines of any size -> (N, 3, 24, 96) RGB in [-1, 1]."""
    resized = [
        cv2.resize(
            line, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA if len(line) > HEIGHT else cv2.INTER_CUBIC
        )
        for line in lines
    ]
    return cast(Floats, cv2.dnn.blobFromImages(resized, 1 / 127.5, mean=(127.5,) * 3))


def _network(file: Path) -> "torch.nn.Module":
    from containers.car_license_plate.platenet_network import platenet  # late: as in lprnet.py

    return platenet(file)
