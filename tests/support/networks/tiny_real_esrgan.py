"""Small networks of Real-ESRGAN's class with random weights, in files like the published ones."""

from pathlib import Path

import torch

from containers.image_super_resolution.feature import REAL_ESRGAN
from containers.image_super_resolution.networks.rrdb import RRDBNet


def write(folder: Path) -> dict[int, RRDBNet]:
    """Writes the files under their names in the profile, and returns the networks by scale."""
    networks = {}
    for scale, file in REAL_ESRGAN.items():
        with torch.random.fork_rng():
            torch.manual_seed(scale)
            networks[scale] = RRDBNet(8, 4, 2, shrink=4 // scale).eval().requires_grad_(False)
        state = networks[scale].state_dict()
        state["conv_last.bias"] += 0.5  # mid-grey, so that few values are clipped at black and white
        torch.save({"params_ema": state}, folder / file.name)
    return networks
