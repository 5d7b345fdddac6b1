"""FaceRes, a MobileNet for age and gender, as a torch module: the graph of TensorFlow.js files.

Network: https://github.com/HSE-asavchenko/HSE_FaceRec_tf (agegender).
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from serving.graphs.network import GraphNetwork
from serving.graphs.tensorflow_js import read

OUTPUTS = "age_pred/Softmax", "gender_pred/Sigmoid"


def faceres(topology: Path, numbers: Path) -> "FaceRes":
    """Loads the frozen network. Raises ValueError, which names the file and the fault."""
    return FaceRes(GraphNetwork(read(topology, numbers), OUTPUTS)).eval().requires_grad_(False)


class FaceRes(nn.Module):
    """The network: (N, 3, 224, 224) RGB in 0..255 -> (N, 2), age in years and probability of male.

    The age is the mean of the ages 0 to 99, weighted by their probabilities.
    """

    years: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("years", torch.arange(100.0), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        ages, male = self.network(faces)
        return torch.stack((ages @ self.years, male[:, 0]), 1)
