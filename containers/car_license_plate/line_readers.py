"""What PlateNet and LPRNet share: small networks that read a plate's line, under the grammar."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import cv2
import numpy as np

from containers.car_license_plate.grammar import Grammar
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


class LineReader(ABC):
    """network: (N, 3, height, width) -> (N, T, classes) logits."""

    FILE: ClassVar[str]
    SIZE: ClassVar[tuple[int, int]]  # px, width and height
    CHARACTERS: ClassVar[tuple[str, ...]]  # text of every class; the last is the CTC blank
    BATCH = 64  # at most, so that memory is bounded

    def __init__(self, network: Executor) -> None:
        self._network, self._grammar = network, Grammar(self.CHARACTERS)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        file, (width, height) = weights[cls.FILE], cls.SIZE
        example = np.zeros((2, 3, height, width), np.float32)
        warm_up = [(count, *example.shape[1:]) for count in (1, 2, 4)]
        cache = weights.derived(Path(cls.FILE).stem)
        return cls(compile(lambda: cls.network(file), example, device=device, cache=cache, warm_up=warm_up))

    @staticmethod
    @abstractmethod
    def network(file: Path) -> "torch.nn.Module":
        """Frozen, with the weights of the file; needed only where nothing is compiled yet."""

    @staticmethod
    @abstractmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """(H, W, 3) RGB lines of `SIZE` -> (N, 3, H, W) as the network was trained."""

    def chances(self, lines: Sequence[Pixels]) -> list[Floats]:
        """Of every upright (H, W, 3) RGB line, as `Grammar.chances`."""
        batches = (lines[start : start + self.BATCH] for start in range(0, len(lines), self.BATCH))
        inputs = (self.normalised([self._resized(line) for line in batch]) for batch in batches)
        found = self._network.map(inputs, lambda outputs: self._grammar.chances(outputs[0]))
        return [chances for batch in found for chances in batch]

    def _resized(self, line: Pixels) -> Pixels:
        kind = cv2.INTER_AREA if len(line) > self.SIZE[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(line, self.SIZE, interpolation=kind), np.uint8)
