"""MobileNetV2 (https://arxiv.org/abs/1801.04381) as Keras builds it, with folded batch norms.

The parts have the names of Keras' layers. A convolution that halves its input is padded only right and below.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Array

CLASSES = 5
_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""The stages: channels, number of blocks, stride of the first block."""


def mobilenet_v2(state: Mapping[str, Array]) -> "MobileNetV2":
    """Returns the frozen network with that state.

    Raises RuntimeError with the names of tensors that do not fit.
    """
    with torch.device("meta"):
        network = MobileNetV2()
    network.load_state_dict({name: torch.tensor(array) for name, array in state.items()}, assign=True)
    return network.eval().requires_grad_(False)


class MobileNetV2(nn.Module):
    """Turns (N, 3, H, W) RGB in 0..1 into probabilities, (N, 5). H and W are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv1 = nn.Conv2d(3, 32, 3, 2)
        self.blocks = nn.ModuleDict()
        before = 32
        for after, count, stride in _STAGES:
            for index in range(count):
                name = f"block_{len(self.blocks)}" if self.blocks else "expanded_conv"
                self.blocks[name] = _Block(before, after, 1 if index else stride, widen=bool(self.blocks))
                before = after
        self.Conv_1 = nn.Conv2d(before, 1280, 1)
        self.dense_1, self.dense_2, self.dense_3 = (
            nn.Linear(*sizes) for sizes in ((1280, 256), (256, 128), (128, CLASSES))
        )

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu6(self.Conv1(_padded(images)))
        for block in self.blocks.values():
            features = block(features)
        pooled = F.relu6(self.Conv_1(features)).mean((2, 3))
        hidden = F.relu(self.dense_2(F.relu(self.dense_1(pooled))))
        probabilities: Tensor = self.dense_3(hidden).softmax(1)
        return probabilities


class _Block(nn.Module):
    """An inverted residual block: it widens the channels, convolves each of them, and narrows them again."""

    def __init__(self, before: int, after: int, stride: int, *, widen: bool) -> None:
        super().__init__()
        inside = 6 * before if widen else before
        self.expand = nn.Conv2d(before, inside, 1) if widen else None
        self.depthwise = nn.Conv2d(inside, inside, 3, stride, 2 - stride, groups=inside)
        self.project = nn.Conv2d(inside, after, 1)
        self.halves, self.residual = stride == 2, stride == 1 and before == after

    def forward(self, features: Tensor) -> Tensor:
        inside = F.relu6(self.expand(features)) if self.expand else features
        inside = F.relu6(self.depthwise(_padded(inside) if self.halves else inside))
        narrow: Tensor = self.project(inside)
        return features + narrow if self.residual else narrow


def _padded(features: Tensor) -> Tensor:
    return F.pad(features, (0, 1, 0, 1))
