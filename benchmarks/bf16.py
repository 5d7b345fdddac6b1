"""Measures on any CPU how bfloat16 changes general_ocr's texts: `python -m benchmarks.bf16 IMAGE…`.

Each network in turn runs under torch's autocast, which emulates bfloat16 on CPUs without it. The program
prints the character error against float32. A network may use bfloat16, `compile(bf16=True)`, where the error
is under 0.5 %.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from containers.general_ocr import network
from containers.general_ocr.onnx_weights import characters
from containers.general_ocr.reader import TextReader
from serving.executor import Executor, compile
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

from .ocr import REAL, character_error


class Emulated(nn.Module):
    """A network that is computed in bfloat16."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._module = module

    def forward(self, array: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output: Tensor = self._module(array)
        return output.float()


def eager(module: nn.Module, example: tuple[int, ...]) -> Executor:
    return compile(lambda: module, torch.zeros(example).numpy(), device="cpu-eager")


def main() -> None:
    weights = resolve(find("general_ocr"), Settings.read())
    files = [Path(name) for name in sys.argv[1:]] or sorted(REAL.glob("*.jpg"))
    images = [Media().decode(file.read_bytes()) for file in files]
    detector, recogniser = network.detector(weights["det.onnx"]), network.recogniser(weights["rec.onnx"])

    def texts(det: nn.Module, rec: nn.Module) -> list[list[str]]:
        executors = eager(det, (1, 3, 64, 96)), eager(rec, (2, 3, 48, 160))
        reader = TextReader(*executors, characters(weights["rec.onnx"]), batch_width=768)
        return [[line.text for line in reader.read([image])[0]] for image in images]

    exact = texts(detector, recogniser)
    for name, changed in (
        ("detector", texts(Emulated(detector), recogniser)),
        ("recogniser", texts(detector, Emulated(recogniser))),
    ):
        in_order = character_error(changed, exact)
        sorted_ = character_error(map(sorted, changed), map(sorted, exact))
        sys.stdout.write(
            f"{name}: {in_order:.2%} of the characters, {sorted_:.2%} whatever the order of lines\n"
        )


if __name__ == "__main__":
    main()
