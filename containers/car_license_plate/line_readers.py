"""Small networks that read a plate's line under the grammar: PlateNet and LPRNet."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

import cv2
import numpy as np

from containers.car_license_plate.agreement import Reading, agreed
from containers.car_license_plate.grammar import CLASSES, PROVINCE, Colour, Grammar, texts
from containers.general_ocr.recognition import Text
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


class PlateNetReader(LineReader):
    """PlateNet reads plates of every kind; `training/plates` trained it on drawn ones.

    Alone it is weaker than the general recogniser, but it makes other mistakes.
    """

    FILE = "platenet.safetensors"
    SIZE = 96, 24
    CHARACTERS = CLASSES

    @staticmethod
    def network(file: Path) -> "torch.nn.Module":
        from containers.car_license_plate.networks.platenet import platenet  # late: imports torch

        return platenet(file)

    @staticmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """RGB in [-1, 1]."""
        return cast(Floats, cv2.dnn.blobFromImages(lines, 1 / 127.5, mean=(127.5,) * 3))

    def knows(self, rows: int, colour: Colour) -> bool:
        """Every kind of plate."""
        return True

    def opinions(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[Text]]:
        """Of every upright (H, W, 3) RGB line what it and the `first` recogniser agree on."""
        return [
            agreed(heard, Reading(chances, texts([chances])[0]))
            for heard, chances in zip(first, self.chances(lines), strict=True)
        ]


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
        from containers.car_license_plate.networks.lprnet import lprnet  # late: imports torch

        return lprnet(file)

    @staticmethod
    def normalised(lines: Sequence[Pixels]) -> Floats:
        """BGR in about [-1, 1]."""
        return cast(Floats, cv2.dnn.blobFromImages(lines, 1 / 128, mean=(127.5,) * 3, swapRB=True))

    def knows(self, rows: int, colour: Colour) -> bool:
        """Of others it would make one with seven characters."""
        return rows == 1 and colour in ("blue", "black")

    def opinions(self, lines: Sequence[Pixels], first: Sequence[Reading]) -> list[list[Text]]:
        """Of each layout the surer one's text."""
        return [
            [max(pair, key=lambda text: text[1]) for pair in zip(heard.texts, said, strict=True)]
            for heard, said in zip(first, self.read(lines), strict=True)
        ]

    def read(self, lines: Sequence[Pixels]) -> list[list[Text]]:
        """Of every upright (H, W, 3) RGB plate the likeliest text of each layout, as `grammar.texts`."""
        return texts(self.chances(lines))
