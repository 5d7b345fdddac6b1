"""TinyXception of face-api.js, a small Xception (https://arxiv.org/abs/1610.02357) for age and gender."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Floats
from serving.weights.tensorflow_js import tensors

MEANS = (122.782, 117.001, 104.298)  # red, green, blue


def tiny_xception(manifest: Path, numbers: Path) -> "TinyXception":
    """Loads the frozen network.

    Raises RuntimeError naming the tensors that do not fit, ValueError for a damaged file.
    """
    return filled(tensors(manifest, numbers))


def filled(values: Mapping[str, Floats]) -> "TinyXception":
    """Returns the network with the given tensors. Raises RuntimeError naming those that do not fit."""
    with torch.device("meta"):
        network = TinyXception()
    state = dict(_named(name, value) for name, value in values.items())
    network.load_state_dict(state | {"means": torch.tensor(MEANS).view(3, 1, 1)}, assign=True)
    return network.eval().requires_grad_(False)


class TinyXception(nn.Module):
    """The network: (N, 3, 112, 112) RGB in 0..255 -> (N, 2), age in years and probability of male."""

    means: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", torch.empty(3, 1, 1))
        self.entry_flow = nn.ModuleDict(
            {
                "conv_in": nn.Conv2d(3, 32, 3, 2),
                "reduction_block_0": _Reduction(32, 64, activate=False),
                "reduction_block_1": _Reduction(64, 128),
            }
        )
        self.middle_flow = nn.ModuleDict({f"main_block_{index}": _Main(128) for index in range(2)})
        self.exit_flow = nn.ModuleDict(
            {"reduction_block": _Reduction(128, 256), "separable_conv": _Separable(256, 512)}
        )
        self.fc = nn.ModuleDict({"age": nn.Linear(512, 1), "gender": nn.Linear(512, 2)})

    def forward(self, faces: Tensor) -> Tensor:
        features = self.entry_flow["conv_in"](F.pad((faces - self.means) / 256, (0, 1, 0, 1))).relu()
        for flow in (self.entry_flow, self.middle_flow, self.exit_flow):
            for name, block in flow.items():
                features = features if name == "conv_in" else block(features)
        pooled = features.relu().mean((2, 3))
        return torch.cat((self.fc["age"](pooled), self.fc["gender"](pooled).softmax(1)[:, :1]), 1)


class _Separable(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        convolved: Tensor = self.pointwise(self.depthwise(features))
        return convolved


class _Reduction(nn.Module):
    """A residual block that halves height and width."""

    def __init__(self, inputs: int, outputs: int, *, activate: bool = True) -> None:
        super().__init__()
        self.activate = activate
        self.separable_conv0, self.separable_conv1 = _Separable(inputs, outputs), _Separable(outputs, outputs)
        self.expansion_conv = nn.Conv2d(inputs, outputs, 1, 2)

    def forward(self, features: Tensor) -> Tensor:
        inner = self.separable_conv0(features.relu() if self.activate else features).relu()
        # TensorFlow pads on the right and bottom.
        inner = F.pad(self.separable_conv1(inner), (0, 1, 0, 1), value=-65000.0)
        reduced: Tensor = F.max_pool2d(inner, 3, 2) + self.expansion_conv(features)
        return reduced


class _Main(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.separable_conv0, self.separable_conv1, self.separable_conv2 = (
            _Separable(width, width) for _ in range(3)
        )

    def forward(self, features: Tensor) -> Tensor:
        inner = self.separable_conv0(features.relu())
        inner = self.separable_conv2(self.separable_conv1(inner.relu()).relu())
        return features + inner  # type: ignore[no-any-return]


def _named(name: str, value: Floats) -> tuple[str, Tensor]:
    """Converts a name and a tensor from TensorFlow's layout, (height, width, in, out), to torch's."""
    head, _, last = name.replace("/", ".").rpartition(".")
    tensor = torch.from_numpy(np.ascontiguousarray(value.T if value.ndim == 2 else value))
    if last == "depthwise_filter":
        return f"{head}.depthwise.weight", tensor.permute(2, 3, 0, 1).contiguous()
    if last == "pointwise_filter":
        return f"{head}.pointwise.weight", tensor.permute(3, 2, 0, 1).contiguous()
    if last == "filters":
        return f"{head}.weight", tensor.permute(3, 2, 0, 1).contiguous()
    return f"{head}.{'pointwise.bias' if 'separable' in head else last.replace('weights', 'weight')}", tensor
