"""LPRNet as a torch module, and its weights.

Paper: https://arxiv.org/abs/1806.10447.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 68


def lprnet(weights: Path) -> "LPRNet":
    """Loads the frozen network from a state_dict. Raises RuntimeError, which names wrong tensors."""
    with torch.device("meta"):
        network = LPRNet()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), assign=True)
    return network.eval().requires_grad_(False)


class _Block(nn.Module):
    """The paper's small basic block: a column and a row instead of 3x3, with a quarter of the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.block = nn.Sequential(
            nn.Conv2d(inputs, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, inner, (3, 1), padding=(1, 0)),
            nn.ReLU(),
            nn.Conv2d(inner, inner, (1, 3), padding=(0, 1)),
            nn.ReLU(),
            nn.Conv2d(inner, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)  # type: ignore[no-any-return]


class _Pool(nn.Module):
    """Max pooling over 3x3, on every `channels`-th channel. across: the horizontal stride."""

    def __init__(self, channels: int, across: int) -> None:
        super().__init__()
        self.channels, self.across = channels, across

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x[:, :: self.channels], 3, (1, self.across))


_TO_LOGITS_SIZE: dict[int, Callable[[Tensor], Tensor]] = {
    2: lambda x: F.avg_pool2d(x, 5),
    6: lambda x: F.avg_pool2d(x, 5),
    13: lambda x: F.avg_pool2d(x, (4, 10), (4, 2)),
    22: lambda x: x,
}
"""The layers of the backbone that form the global context, and the pooling that reduces each to 4x18."""


class LPRNet(nn.Module):
    """(N, 3, 24, 94) -> (N, 18, 68) logits. The attributes and the order of layers match the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 64, 3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            _Pool(1, 1),
            _Block(64, 128),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            _Pool(2, 2),
            _Block(64, 256),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            _Block(256, 256),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            _Pool(4, 2),
            nn.Dropout(),
            nn.Conv2d(64, 256, (1, 4)),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(256, CLASSES, (13, 1)),
            nn.BatchNorm2d(CLASSES),
            nn.ReLU(),
        )
        self.container = nn.Sequential(nn.Conv2d(64 + 128 + 256 + CLASSES, CLASSES, 1))

    def forward(self, images: Tensor) -> Tensor:
        context, x = [], images
        for index, layer in enumerate(self.backbone):
            x = layer(x)
            if index in _TO_LOGITS_SIZE:
                context.append(_TO_LOGITS_SIZE[index](x))
        # the mean of each image, not of the batch as upstream: other images must not change a text
        scaled = [level / level.square().mean(dim=(1, 2, 3), keepdim=True) for level in context]
        return self.container(torch.cat(scaled, 1)).mean(2).transpose(1, 2)  # type: ignore[no-any-return]
