"""MediaPipe's network for people in front of a camera, as a torch module: the graph of its file."""

from pathlib import Path

from torch import Tensor, nn

from serving.graphs.network import GraphNetwork
from serving.graphs.tflite import read


def selfie(file: Path) -> "Selfie":
    """Loads the frozen network. Raises ValueError, which names the file and the fault."""
    return Selfie(GraphNetwork(read(file))).eval().requires_grad_(False)


class Selfie(nn.Module):
    """Turns (N, 3, 256, 256) RGB in 0..1 into (N, 1, 256, 256): the probability of a person."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        (matte,) = self.network(images)
        return matte.permute(0, 3, 1, 2)  # type: ignore[no-any-return]
