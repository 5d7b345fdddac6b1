"""Small networks that read the line of a plate with the grammar: PlateNet and LPRNet."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

import cv2
import numpy as np

from containers.car_license_plate.agreement import Reading, agreed_texts
from containers.car_license_plate.grammar import CLASSES, PROVINCE, Colour, Grammar, best_texts
from containers.general_ocr.recognition import ScoredText
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


class LineReader(ABC):
    """Reads lines with one network. network: (N, 3, height, width) -> (N, T, classes) logits."""

    FILE: ClassVar[str]
    SIZE: ClassVar[tuple[int, int]]  # px, width and height
    CHARACTERS: ClassVar[tuple[str, ...]]  # the text of every class; the last is the CTC blank
    MAX_BATCH = 64  # bounds the memory

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
        """Builds the frozen network with the weights of the file. Only a compilation calls it."""

    @staticmethod
    @abstractmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """(H, W, 3) RGB lines of `SIZE` -> (N, 3, H, W) with the normalisation of the training."""

    def log_probabilities(self, lines: Sequence[Pixels]) -> list[Floats]:
        """Returns those of every upright (H, W, 3) RGB line, as `Grammar.log_probabilities` does."""
        batches = (lines[start : start + self.MAX_BATCH] for start in range(0, len(lines), self.MAX_BATCH))
        inputs = (self.normalised([self._resized(line) for line in batch]) for batch in batches)
        found = self._network.map(inputs, lambda outputs: self._grammar.log_probabilities(outputs[0]))
        return [line for batch in found for line in batch]

    def _resized(self, line: Pixels) -> Pixels:
        kind = cv2.INTER_AREA if len(line) > self.SIZE[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(line, self.SIZE, interpolation=kind), np.uint8)


class PlateNetReader(LineReader):
    """PlateNet reads plates of every kind. `training/plates` trained it on synthetic plates.

    Alone, it is weaker than the general recogniser, but it makes different mistakes.
    """

    FILE = "platenet.safetensors"
    SIZE = 96, 24
    CHARACTERS = CLASSES

    @staticmethod
    def network(file: Path) -> "torch.nn.Module":
        from containers.car_license_plate.networks.platenet import platenet  # imports torch

        return platenet(file)

    @staticmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """Scales RGB to [-1, 1]."""
        return cast(Floats, cv2.dnn.blobFromImages(lines, 1 / 127.5, mean=(127.5,) * 3))

    def can_read(self, rows: int, colour: Colour) -> bool:
        """Returns True for every kind of plate."""
        return True

    def reread(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[ScoredText]]:
        """Returns the texts on which PlateNet and the first reading of each (H, W, 3) RGB line agree."""
        probabilities = self.log_probabilities(lines)
        own = map(Reading, probabilities, best_texts(probabilities))
        return [agreed_texts(one, other) for one, other in zip(first, own, strict=True)]


class LPRReader(LineReader):
    """LPRNet reads plates of one row with seven characters.

    Paper: https://arxiv.org/abs/1806.10447. Weights: sirius-ai/LPRNet_Pytorch, trained on CCPD. Its scores
    are too high for plates unlike those it was trained on.
    """

    FILE = "lprnet.pth"
    SIZE = 94, 24
    CHARACTERS = (*PROVINCE, *"0123456789ABCDEFGHJKLMNPQRSTUVWXYZIO", "")

    @staticmethod
    def network(file: Path) -> "torch.nn.Module":
        from containers.car_license_plate.networks.lprnet import lprnet  # imports torch

        return lprnet(file)

    @staticmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """Converts to BGR and scales to about [-1, 1]."""
        return cast(Floats, cv2.dnn.blobFromImages(lines, 1 / 128, mean=(127.5,) * 3, swapRB=True))

    def can_read(self, rows: int, colour: Colour) -> bool:
        """Excludes other plates, because LPRNet would read them as plates with seven characters."""
        return rows == 1 and colour in ("blue", "black")

    def reread(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[ScoredText]]:
        """Returns, for each layout, the text with the higher score of the two readings."""
        return [
            [max(pair, key=lambda text: text.score) for pair in zip(one.texts, other, strict=True)]
            for one, other in zip(first, self.read(lines), strict=True)
        ]

    def read(self, lines: Sequence[Pixels]) -> list[list[ScoredText]]:
        """Returns the most probable text of each layout for every upright (H, W, 3) RGB plate."""
        return best_texts(self.log_probabilities(lines))
