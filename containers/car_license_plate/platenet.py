"""PlateNet, a small recogniser of plates of every kind, trained by training/plates on drawn ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2

from containers.car_license_plate.agreement import Reading, agreed
from containers.car_license_plate.grammar import ALPHABET, Colour, texts
from containers.car_license_plate.line_reader import LineReader
from containers.general_ocr.recognition import Text
from serving.arrays import Floats, Pixels

if TYPE_CHECKING:
    import torch

WIDTH, HEIGHT = 96, 24
CHARACTERS = (*ALPHABET, "")
"""Text of every class; the last is the CTC blank."""


class PlateNetReader(LineReader):
    """Weaker than the general recogniser alone, but it errs elsewhere."""

    FILE = "platenet.safetensors"
    SIZE = WIDTH, HEIGHT
    CHARACTERS = CHARACTERS

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
