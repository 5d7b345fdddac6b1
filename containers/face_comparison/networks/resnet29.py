"""dlib's face recognition network, a ResNet (https://arxiv.org/abs/1512.03385) with 29 convolutions.

Upstream is dlib_face_recognition_resnet_model_v1 by Davis King. face-api.js stores it for TensorFlow.js, most
numbers in 8 bits. Each convolution has a bias and is followed by a scale and a shift of its channels, which
are one with it here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Array
from serving.weights.tensorflow_js import tensors

DIMENSIONS = 128
_STAGES = (("32", 32, 3, False), ("64", 64, 3, True), ("128", 128, 2, True), ("256", 256, 2, True))
"""The stages: name, channels, number of plain blocks, True if a block that halves the sides comes first."""
_MEAN = 122.782, 117.001, 104.298  # of red, green and blue


def resnet29(manifest: Path, numbers: Path) -> "ResNet29":
    """Loads the frozen network from the two files, which must contain all its tensors and no others.

    Raises ValueError with the name of a damaged file, RuntimeError with the names of tensors that do not fit.
    """
    with torch.device("meta"):
        network = ResNet29()
    state = {name: torch.from_numpy(array) for name, array in _state(tensors(manifest, numbers))}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def _state(stored: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yields the tensors of `ResNet29` by name; tensors that belong to no layer keep their own names."""
    left = dict(stored)
    for name in [name for name in stored if name.endswith("/conv/filters")]:
        layer = name.removesuffix("/conv/filters")
        parts = [f"{layer}/{part}" for part in ("conv/bias", "scale/weights", "scale/biases")]
        if all(part in left for part in parts):
            kernel, bias, scale, shift = (left.pop(part) for part in (name, *parts))
            target = layer.replace("/", ".")
            # TensorFlow has height, width, in, out.
            yield f"{target}.weight", np.ascontiguousarray((kernel * scale).transpose(3, 2, 0, 1))
            yield f"{target}.bias", bias * scale + shift
    if "fc" in left:
        yield "fc.weight", np.ascontiguousarray(left.pop("fc").T)
    yield from left.items()


class ResNet29(nn.Module):
    """The network: (N, 3, 150, 150) float32 RGB in 0..255, aligned -> (N, 128) vectors of any length."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv32_down = nn.Conv2d(3, 32, 7, 2)
        before = 32
        for name, after, count, halves in _STAGES:
            if halves:
                self.add_module(f"conv{name}_down", _Halving(before, after))
            for index in range(1, count + 1):
                self.add_module(f"conv{name}_{index}", _Block(after, after))
            before = after
        self.conv256_down_out = _Halving(before, before)
        self.fc = nn.Linear(before, DIMENSIONS, bias=False)
        with torch.device("cpu"):
            self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        stem, *blocks, last = self.children()
        features = F.max_pool2d(F.relu(stem((faces - self.mean) / 256)), 3, 2)
        for block in blocks:
            features = block(features)
        return last(features.mean((2, 3)))  # type: ignore[no-any-return]


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 2 - stride)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(features))) + features)


class _Halving(_Block):
    """A residual block that halves the sides. Its shortcut is averaged, and new channels are zeros there."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        inside = self.conv2(F.relu(self.conv1(features)))
        shortcut = F.avg_pool2d(features, 2)
        # The unpadded convolution can leave one row and column fewer than the average.
        down, right, channels = (shortcut.shape[side] - inside.shape[side] for side in (2, 3, 1))
        inside = F.pad(inside, (0, right, 0, down))
        return F.relu(inside + F.pad(shortcut, (0, 0, 0, 0, 0, -channels)))
