"""LPRNet, a small recogniser of one-row plates with seven characters.

Paper: https://arxiv.org/abs/1806.10447. Weights: sirius-ai/LPRNet_Pytorch, trained on CCPD.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from containers.car_license_plate.agreement import Reading
from containers.car_license_plate.grammar import Colour, Grammar, texts
from containers.general_ocr.recognition import Text
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

WIDTH, HEIGHT = 94, 24
PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
CHARACTERS = (*PROVINCES, *"0123456789ABCDEFGHJKLMNPQRSTUVWXYZIO", "")
"""Text of every class; the last is the CTC blank."""


class LPRReader:
    """lprnet: (N, 3, 24, 94) -> (N, T, classes) logits."""

    FILE = "lprnet.pth"
    BATCH = 64  # at most, so that memory is bounded

    def __init__(self, lprnet: Executor) -> None:
        self._lprnet, self._grammar = lprnet, Grammar(CHARACTERS)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        file = weights[cls.FILE]
        example = np.zeros((2, 3, HEIGHT, WIDTH), np.float32)
        warm_up = [(count, *example.shape[1:]) for count in (1, 2, 4)]
        cache = weights.derived("lprnet")
        return cls(compile(lambda: _network(file), example, device=device, cache=cache, warm_up=warm_up))

    def knows(self, rows: int, colour: Colour) -> bool:
        """Of others it would make one with seven characters."""
        return rows == 1 and colour in ("blue", "black")

    def opinions(self, lines: Sequence[Image], first: Sequence[Reading]) -> list[list[Text]]:
        """Of each layout the surer one's text."""
        return [
            [max(pair, key=lambda text: text[1]) for pair in zip(heard.texts, said, strict=True)]
            for heard, said in zip(first, self.read(lines), strict=True)
        ]

    def read(self, lines: Sequence[Image]) -> list[list[Text]]:
        """Of every upright (H, W, 3) RGB plate the likeliest text of each layout, as `grammar.texts`."""
        batches = (lines[start : start + self.BATCH] for start in range(0, len(lines), self.BATCH))
        found = self._lprnet.map(
            map(network_input, batches), lambda outputs: self._grammar.chances(outputs[0])
        )
        return texts([chances for batch in found for chances in batch])


def network_input(lines: Sequence[Image]) -> Floats:
    """Upright (H, W, 3) RGB plates of any size -> (N, 3, 24, 94) BGR in about [-1, 1]."""
    resized = [
        cv2.resize(
            line, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA if len(line) > HEIGHT else cv2.INTER_CUBIC
        )
        for line in lines
    ]
    return cast(Floats, cv2.dnn.blobFromImages(resized, 1 / 128, mean=(127.5,) * 3, swapRB=True))


def _network(file: Path) -> "torch.nn.Module":
    from containers.car_license_plate.network import lprnet  # late: needed only where nothing is compiled yet

    return lprnet(file)
