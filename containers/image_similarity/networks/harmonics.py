"""Local harmonics describe an image around the points of a grid. Turning and mirroring do not change them.

Around every point the image is expanded in circular harmonics, g(r) r^n e^(in angle). Turning the image by an
angle a multiplies the n-th coefficient by e^(ina). Mirroring conjugates the coefficients (Jacobson and
Wechsler 1984, Freeman and Adelson 1991). So the coefficients are taken relative to the direction of the local
gradient, and their imaginary parts lose their sign. Then neither turning nor mirroring changes them.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from serving.arrays import Doubles, Integers

SIGMAS = (1.5, 3.0, 6.0)  # px, deviations of the Gaussians, an octave apart
REFERENCE = 1  # index into SIGMAS of the gradient that gives the reference direction
ORDER = 4  # the highest n
REACH = math.ceil(3 * max(SIGMAS))  # px around a point that are looked at
STRIDE = 4  # px between two points
WIDER = 1.6  # ratio of the two Gaussians of a blob, the usual approximation of the Laplacian
VALUES = len(SIGMAS) * (1 + 2 * ORDER)  # numbers that describe a point


class LocalHarmonics(nn.Module):
    """Turns views, (N, 1, side, side), into local harmonics, (N, 27, h, w). It has no trained weights."""

    lines: Tensor
    sums: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self._points = (side - 2 * REACH - 1) // STRIDE + 1
        distances = np.arange(side) - (REACH + STRIDE * np.arange(self._points))[:, None]
        lines = [_lines(distances, sigma).reshape(-1, side) for sigma in SIGMAS]
        self.register_buffer("lines", torch.tensor(np.stack(lines), dtype=torch.float32), persistent=False)
        sums = np.stack([_sums(sigma) for sigma in SIGMAS])
        self.register_buffer("sums", torch.tensor(sums, dtype=torch.float32), persistent=False)

    def forward(self, views: Tensor) -> Tensor:
        return relative(self.responses(views))

    def responses(self, views: Tensor) -> Tensor:
        """Returns (N, 3, 9, h, w): for every scale a blob, then both parts of each complex harmonic."""
        across = views @ self.lines.transpose(1, 2)
        products = self.lines @ across  # (N, 3, 6 h, 6 w)
        shape = (-1, len(SIGMAS), ORDER + 2, self._points, ORDER + 2, self._points)
        return torch.einsum("nsyhxw,skyx->nskhw", products.reshape(shape), self.sums)


def relative(responses: Tensor) -> Tensor:
    """Makes responses independent of turning and mirroring.

    (N, 3, 9, h, w) becomes (N, 27, h, w) with the gradients first.
    """
    gradient = responses[:, REFERENCE, 1:3]
    x, y = (gradient / (gradient.norm(dim=1, keepdim=True) + 1e-6)).split(1, 1)
    cosine, sine = torch.ones_like(x), torch.zeros_like(x)
    parts = []
    for order in range(1, ORDER + 1):
        cosine, sine = cosine * x - sine * y, cosine * y + sine * x  # of `order` times the angle
        real, imaginary = responses[:, :, 2 * order - 1], responses[:, :, 2 * order]
        parts += [real * cosine + imaginary * sine, (imaginary * cosine - real * sine).abs()]
    parts.insert(2, responses[:, :, 0])
    return torch.cat(parts, 1)


def _lines(distances: Integers, sigma: float) -> Doubles:
    """Returns (6, *distances): a Gaussian times each power of the distance, then the outer Gaussian."""
    u = distances / sigma
    gauss = np.exp(-u * u / 2)
    lines = [u**power * gauss for power in range(ORDER + 1)]
    lines.append(np.exp(-((u / WIDER) ** 2) / 2))
    return np.stack(lines) * (np.abs(distances) <= REACH)


def _sums(sigma: float) -> Doubles:
    """Returns (9, 6, 6): each kernel, of norm 1, as a sum of products of a line along y and one along x."""
    lines = _lines(np.arange(-REACH, REACH + 1), sigma)
    products = lines[:, None, :, None] * lines[None, :, None, :]  # y, then x
    sums = np.zeros((1 + 2 * ORDER, ORDER + 2, ORDER + 2), complex)
    sums[0, 0, 0], sums[0, -1, -1] = 1 / products[0, 0].sum(), -1 / products[-1, -1].sum()
    for n in range(1, ORDER + 1):
        for power in range(n + 1):  # (x + iy)^n
            sums[2 * n - 1, power, n - power] = math.comb(n, power) * 1j**power
    kernels = np.einsum("kyx,yxij->kij", sums, products)
    sums /= np.linalg.norm(kernels, axis=(1, 2)).clip(1e-12)[:, None, None]
    sums[2::2] = sums[1::2].imag
    return sums.real
