"""NanoDet-g as a torch module: the graph of the file, and the decoding of its distances.

Network: https://github.com/RangiLyu/nanodet. Its distances are expectations (https://arxiv.org/abs/2006.04388).
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from serving.graphs.network import GraphNetwork
from serving.graphs.tensorflow_js import read

SCORES = "Identity", "Identity_1", "Identity_2"  # outputs at the strides of 8, 16 and 32 px
DISTANCES = "Identity_3", "Identity_4", "Identity_5"
MEAN, DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)  # of blue, green and red, 0..255


def nanodet(topology: Path, numbers: Path) -> "NanoDet":
    """Loads the frozen network. Raises ValueError, which names the file and the fault."""
    return NanoDet(GraphNetwork(read(topology, numbers), (*SCORES, *DISTANCES))).eval().requires_grad_(False)


class NanoDet(nn.Module):
    """Turns (N, 3, 416, 416) BGR in 0..255 into (N, 3549, 84).

    For each cell of the grids of 52², 26² and 13² cells there are 80 scores in 0..1, and the distances from
    its centre to the left, top, right and bottom, in sides of the cell.
    """

    mean: Tensor
    deviation: Tensor
    bins: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("bins", torch.arange(11.0), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.network((images - self.mean) / self.deviation)
        scores, distances = torch.cat(outputs[:3], 1), torch.cat(outputs[3:], 1)
        expected = torch.unflatten(distances, 2, (4, 11)).softmax(3) @ self.bins
        return torch.cat((scores, expected), 2)
