"""LPRNet, a small recogniser of one-row plates with seven characters.

Paper: https://arxiv.org/abs/1806.10447. Weights: sirius-ai/LPRNet_Pytorch, trained on CCPD.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2

from containers.car_license_plate.agreement import Reading
from containers.car_license_plate.grammar import Colour, texts
from containers.car_license_plate.line_reader import LineReader
from containers.general_ocr.recognition import Text
from serving.arrays import Floats, Pixels

if TYPE_CHECKING:
    import torch

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"


class LPRReader(LineReader):
    """Surer than it should be of plates unlike those it was trained on."""

    FILE = "lprnet.pth"
    SIZE = 94, 24
    CHARACTERS = (*PROVINCES, *"0123456789ABCDEFGHJKLMNPQRSTUVWXYZIO", "")

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
