"""Local harmonics: a descriptor of near-duplicates that was never trained.

Around every point of a grid the picture is expanded in circular harmonics, g(r) r^n e^(in angle). Turning
the picture by an angle a multiplies the n-th coefficient by e^(ina), mirroring conjugates it (Jacobson and
Wechsler 1984, Freeman and Adelson 1991). Taken relative to the direction of the local gradient, and without
the sign of their imaginary parts, the coefficients no longer change with either. A picture is the set of
these local vectors. Two sets are compared by the sum of a Gaussian kernel over all pairs, which random
Fourier features (Rahimi and Recht 2007) turn into the scalar product of two sums: an efficient match kernel
(Bo and Sminchisescu 2009). What is common to all pictures is taken out (whitening) by the mean and the
covariance of synthetic ones.
"""

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from containers.image_similarity.synthetic import pictures

Floats = NDArray[np.float32]

SIDES = (133, 97)  # px, half an octave apart: a crop finds its scale in one of them
SIGMAS = (1.5, 3.0, 6.0)  # px: of the Gaussians; an octave apart
REFERENCE = 1  # index into SIGMAS: whose gradient is the direction that others are relative to
ORDER = 4  # highest n
STRIDE = 4  # px; fits both sides to the last pixel, or a mirrored picture would be sampled elsewhere
BANDWIDTH = 0.3  # of the kernel, for local vectors about 1 long: smaller is stricter
FAINT = 0.2  # a local vector of this length is made half as long as a strong one, as it is mostly noise
FLAT = 0.02  # deviation of the brightness, of 1, below which contrast is not stretched in full
PICTURES = 256  # synthetic ones: twice as many double the first start and find 0.6 % more
RIDGE = 1e-2  # of the largest variance, added to all: what hardly varies is hardly amplified
_SEED = 0


def view(image: NDArray[np.uint8]) -> Floats:
    """(H, W, 3) RGB -> (1, 133, 133): brightness of the stretched picture, mean 0, deviation about 1."""
    square = cv2.resize(image, (SIDES[0], SIDES[0]), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return np.asarray((grey - grey.mean()) / (grey.std() + np.float32(FLAT)), np.float32)[None]


def whitened(dimensions: int) -> "LocalHarmonics":
    """The descriptor, with its last layer made from what it says of synthetic pictures."""
    network = LocalHarmonics(dimensions)
    views = torch.from_numpy(np.stack(list(pictures(PICTURES, SIDES[0])))).float()[:, None]
    with torch.inference_mode():
        found = torch.cat([network(batch) for batch in torch.split(views, 16)]).double()
        mean = found.mean(0)
        variances, axes = torch.linalg.eigh((found - mean).T @ (found - mean) / PICTURES)
        scale = (variances.clamp_min(0) + RIDGE * variances.max()).rsqrt()
        matrix = axes * scale @ axes.T
        network.whitening.weight.copy_(matrix)
        network.whitening.bias.copy_(-matrix @ mean)
    return network


class LocalHarmonics(nn.Module):
    """(N, 1, 133, 133) -> (N, dimensions), of any length."""

    kernels: Tensor
    frequencies: Tensor
    phases: Tensor

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("kernels", torch.from_numpy(_kernels())[:, None])
        local = len(SIGMAS) * (1 + 2 * ORDER)
        random = np.random.RandomState(_SEED)  # whose numbers NumPy promises to keep for ever
        frequencies = random.standard_normal((local, dimensions)) / BANDWIDTH
        self.register_buffer("frequencies", torch.from_numpy(frequencies.astype(np.float32)))
        phases = random.uniform(0, 2 * math.pi, dimensions)
        self.register_buffer("phases", torch.from_numpy(phases.astype(np.float32)))
        self.whitening = nn.Linear(dimensions, dimensions)
        nn.init.eye_(self.whitening.weight)
        nn.init.zeros_(self.whitening.bias)

    def forward(self, views: Tensor) -> Tensor:
        smaller = (nn.functional.interpolate(views, size=side, mode="bilinear") for side in SIDES[1:])
        described = [self._described(view) for view in (views, *smaller)]
        whitened: Tensor = self.whitening(torch.stack(described).mean(0))
        return whitened

    def _described(self, views: Tensor) -> Tensor:
        vectors = self._local(nn.functional.conv2d(views, self.kernels, stride=STRIDE))
        length = vectors.norm(dim=2, keepdim=True)
        features = torch.cos(vectors / (length + FAINT) @ self.frequencies + self.phases)
        # Without the gradients' share: a ramp, as of a sky, has nothing else and would match any other ramp.
        weight = vectors[..., 2 * len(SIGMAS) :].norm(dim=2, keepdim=True).clamp_min(1e-4).sqrt()
        mean: Tensor = (features * weight).sum(1) / weight.sum(1)
        return mean

    def _local(self, responses: Tensor) -> Tensor:
        """(N, C, h, w) responses to the kernels -> (N, h w, D), the gradients first."""
        n, _, height, width = responses.shape
        by_scale = responses.view(n, len(SIGMAS), 1 + 2 * ORDER, height, width)
        gradient = by_scale[:, REFERENCE, 1:3]
        x, y = (gradient / (gradient.norm(dim=1, keepdim=True) + 1e-6)).split(1, 1)
        cosine, sine = torch.ones_like(x), torch.zeros_like(x)
        parts = []
        for order in range(1, ORDER + 1):
            cosine, sine = cosine * x - sine * y, cosine * y + sine * x  # of `order` times the direction
            real, imaginary = by_scale[:, :, 2 * order - 1], by_scale[:, :, 2 * order]
            parts += [real * cosine + imaginary * sine, (imaginary * cosine - real * sine).abs()]
        parts.insert(2, by_scale[:, :, 0])  # after the gradients
        return torch.cat(parts, 1).flatten(2).transpose(1, 2)


def _kernels() -> Floats:
    """(C, size, size): for every scale a blob, then real and imaginary part of each harmonic."""
    reach = math.ceil(3 * max(SIGMAS))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernels = []
    for sigma in SIGMAS:
        blobs = (np.exp(-(x * x + y * y) / (2 * (sigma * wider) ** 2)) for wider in (1, 1.6))
        inner, outer = (blob / blob.sum() for blob in blobs)
        blob = inner - outer  # the Laplacian's usual approximation
        kernels.append(blob / np.linalg.norm(blob))
        for n in range(1, ORDER + 1):
            harmonic = ((x + 1j * y) / sigma) ** n * np.exp(-(x * x + y * y) / (2 * sigma**2))
            kernels += [part / np.linalg.norm(harmonic) for part in (harmonic.real, harmonic.imag)]
    return np.stack(kernels).astype(np.float32)
