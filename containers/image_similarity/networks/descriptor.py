"""The descriptor of near-duplicates: it summarises the local harmonics of an image in 512 numbers.

It pools the local harmonics in two ways and whitens both results together. Whitening removes what images have
in common.

- A small network was trained on copies of images.
- An efficient match kernel (Bo and Sminchisescu 2009) has no trained part. It compares two sets of local
  vectors by the sum of a Gaussian kernel over all pairs. Random Fourier features (Rahimi and Recht 2007) turn
  that sum into the scalar product of two sums.

Quarter turns and mirroring of the image do not change the descriptor.
"""

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from containers.image_similarity.feature import DIMENSIONS
from containers.image_similarity.networks.harmonics import SIGMAS, VALUES, LocalHarmonics
from containers.image_similarity.view import SIDE

SIDES = SIDE, 93, 69  # px, half an octave apart; an odd side lets a grid of points be halved symmetrically
WIDTH, WIDER, BLOCKS = 128, 384, 2  # channels inside the network, channels at its end, residual blocks
FEATURES = 512  # random Fourier features
BANDWIDTH = 0.3  # of the Gaussian kernel, for local vectors about 1 long; a smaller one is stricter
FAINT = 0.2  # a local vector of this length gets half the length of a strong one, because it is mostly noise
SPREAD = 0.57  # share of a cosine that depends on the images; the rest lifts copies above similarity 0.85
_SEED = 0


def descriptor(file: Path) -> "Descriptor":
    """Loads the frozen network from a file. Raises RuntimeError with the names of tensors that do not fit."""
    network = Descriptor()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(file).items()})
    return network.eval().requires_grad_(False)


class Descriptor(nn.Module):
    """Turns views, (N, 1, 133, 133), into vectors of length 1, (N, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.harmonics = nn.ModuleList(LocalHarmonics(side) for side in SIDES)
        self.learned, self.kernel = Learned(), MatchKernel()
        self.whitening = nn.Linear(DIMENSIONS + FEATURES, DIMENSIONS - 1)

    def forward(self, views: Tensor) -> Tensor:
        white = functional.normalize(self.whitening(self.described(views)))
        return functional.pad(math.sqrt(SPREAD) * white, (0, 1), value=math.sqrt(1 - SPREAD))

    def described(self, views: Tensor) -> Tensor:
        """Returns the two pooled vectors side by side before whitening, (N, 512 + FEATURES)."""
        local = self.local(views)
        return torch.cat((functional.normalize(self.learned(local)), self.kernel(local)), 1)

    def local(self, views: Tensor) -> list[Tensor]:
        """Returns the local harmonics of every scale, each (N, 27, h, w)."""
        smaller = (functional.interpolate(views, size=side, mode="bilinear") for side in SIDES[1:])
        return [local(view) for local, view in zip(self.harmonics, (views, *smaller), strict=True)]


class Learned(nn.Module):
    """Turns the local harmonics of all scales into vectors of any length, (N, 512).

    Each point also sees the mean of its neighbours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _pointwise(VALUES + 1, WIDTH // 2)
        self.around = _pointwise(WIDTH, WIDTH)
        self.blocks = nn.Sequential(*(_Block() for _ in range(BLOCKS)))
        self.widen = _pointwise(WIDTH, WIDER)
        self.project = nn.Linear(WIDER, DIMENSIONS)

    def forward(self, scales: list[Tensor]) -> Tensor:
        points = torch.cat([self._described(local).flatten(2) for local in scales], 2)
        pooled = (points * points * points).mean(2).add(1e-4).pow(1 / 3)
        vectors: Tensor = self.project(pooled)
        return vectors

    def _described(self, local: Tensor) -> Tensor:
        """Turns (N, 27, h, w) into features of the points, (N, C, h / 2, w / 2), which are not negative."""
        length = local.norm(dim=1, keepdim=True)
        seen = self.stem(torch.cat((local / (length + FAINT), (length + 0.01).log()), 1))
        halved = functional.avg_pool2d(seen, 3, 2)
        described: Tensor = self.widen(self.blocks(self.around(_with_neighbours(halved))))
        return described


class MatchKernel(nn.Module):
    """Turns the local harmonics of the two largest scales into (N, FEATURES)."""

    frequencies: Tensor
    phases: Tensor

    def __init__(self) -> None:
        super().__init__()
        random = np.random.RandomState(_SEED)  # NumPy promises that its numbers never change
        frequencies = random.standard_normal((VALUES, FEATURES)) / BANDWIDTH
        phases = random.uniform(0, 2 * math.pi, FEATURES)
        for name, values in (("frequencies", frequencies), ("phases", phases)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def forward(self, scales: list[Tensor]) -> Tensor:
        points = [local.flatten(2).transpose(1, 2) for local in scales[:2]]
        return torch.stack([self._described(local) for local in points]).mean(0)

    def _described(self, local: Tensor) -> Tensor:
        """Turns P points of one scale, (N, P, 27), into (N, FEATURES)."""
        length = local.norm(dim=2, keepdim=True)
        features = torch.cos(local / (length + FAINT) @ self.frequencies + self.phases)
        # The weight ignores gradients. A ramp, such as a sky, has only a gradient and would match any other.
        weight = local[..., 2 * len(SIGMAS) :].norm(dim=2, keepdim=True).clamp_min(1e-4).sqrt()
        mean: Tensor = (features * weight).sum(1) / weight.sum(1)
        return mean


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = _pointwise(2 * WIDTH, WIDTH)
        self.out = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))

    def forward(self, seen: Tensor) -> Tensor:
        return functional.relu(seen + self.out(self.mix(_with_neighbours(seen))))


def _with_neighbours(seen: Tensor) -> Tensor:
    around = functional.avg_pool2d(seen, 3, 1, 1, count_include_pad=False)
    return torch.cat((seen, around), 1)


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
