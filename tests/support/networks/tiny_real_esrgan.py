"""A small network of Real-ESRGAN's class with random weights, in files like the published ones."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from containers.image_super_resolution.feature import REAL_ESRGAN
from containers.image_super_resolution.networks.rrdb import RRDBNet
from serving.weights.ncnn import HALF, MAGIC


def write(folder: Path) -> RRDBNet:
    """Writes the files under their names in the profile, and returns the network for scale 4."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = RRDBNet(8, 4, 2, 4).half().float().eval().requires_grad_(False)
    assert network.conv_last.bias is not None
    network.conv_last.bias += 0.5  # mid-grey, so that few values are clipped at black and white
    layers, parameters = (folder / file.name for file in REAL_ESRGAN)
    convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
    lines = [
        f"Convolution Conv_{number} 1 1 {number} {number + 1} "
        f"0={each.out_channels} 1=3 4=1 5=1 6={each.weight.numel()}"
        for number, each in enumerate(convolutions)
    ]
    layers.write_text("\n".join((MAGIC, f"{len(lines)} {len(lines) + 1}", *lines)) + "\n")
    parameters.write_bytes(b"".join(_parameters(each) for each in convolutions))
    return network


def _parameters(convolution: nn.Conv2d) -> bytes:
    assert convolution.bias is not None
    weight = convolution.weight.numpy().astype("<f2").tobytes()
    padding = bytes(-len(weight) % 4)
    return np.uint32(HALF).tobytes() + weight + padding + convolution.bias.numpy().astype("<f4").tobytes()
