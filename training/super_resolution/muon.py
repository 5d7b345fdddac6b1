"""AdamW, combined with Muon for the convolutions inside the blocks, whose steps are orthogonal matrices.

Muon is by K. Jordan et al.: https://kellerjordan.github.io/posts/muon/. torch's own Muon takes matrices only.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
STRENGTH = 10.0  # length of Muon's steps, in learning rates
COEFFICIENTS = 3.4445, -4.7750, 2.0315  # of the quintic that drives singular values towards 1


class Muon(torch.optim.AdamW):
    """The optimiser. blocks: the network's parameters that Muon steps; AdamW steps the others."""

    def __init__(self, network: nn.Module, blocks: Iterable[nn.Parameter], rate: float) -> None:
        super().__init__(network.parameters(), lr=rate)
        self.blocks = list(blocks)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        rate = self.param_groups[0]["lr"]
        for parameter in self.blocks:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:  # AdamW needs a "step" in every state that it loads
                state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(parameter)}
            mean = state["momentum"]
            mean.mul_(MOMENTUM).add_(parameter.grad)
            direction = orthogonal((parameter.grad + MOMENTUM * mean).flatten(1))
            parameter.add_(direction.view_as(parameter), alpha=-rate * STRENGTH)
            parameter.grad = None  # AdamW skips parameters without a gradient
        return super().step(closure)


def orthogonal(matrix: Tensor) -> Tensor:
    """Returns the (N, M) matrix, N <= M, with all singular values near 1 and the same singular vectors."""
    first, third, fifth = COEFFICIENTS
    matrix = matrix / (matrix.norm() + 1e-7)
    for _ in range(5):
        square = matrix @ matrix.T
        matrix = first * matrix + (third * square + fifth * square @ square) @ matrix
    return matrix
