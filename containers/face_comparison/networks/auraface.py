"""AuraFace v1, an ArcFace network (https://arxiv.org/abs/1801.07698), converted from ONNX to torch."""

from pathlib import Path

from onnx2torch import convert  # type: ignore[import-untyped]
from torch import Tensor, nn


def auraface(file: Path) -> "AuraFace":
    """Loads the frozen network from the .onnx file."""
    return AuraFace(convert(file).eval().requires_grad_(False))


class AuraFace(nn.Module):
    """The network: (N, 3, 112, 112) float32 RGB in 0..255, aligned -> (N, 512) vectors of any length."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> Tensor:
        return self.network(faces / 127.5 - 1)  # type: ignore[no-any-return]
