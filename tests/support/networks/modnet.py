"""MODNet with random weights, for an .onnx file like that of profile `standard`.

The paper is MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition
(https://arxiv.org/abs/2011.11961). The backbone is torchvision's MobileNetV2.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]

ENDS = (2, 4, 7, 14, 19)  # last layers of the backbone at 1/2, 1/4, 1/8, 1/16 and 1/32
DETAIL = 32  # channels of the detail branch


class MODNet(nn.Module):
    """(N, 3, H, W) RGB in -1..1, sides multiples of 32 -> (N, 1, H, W) opacity, 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = mobilenet_v2(weights=None).features
        self.excite = nn.Sequential(
            nn.Linear(1280, 320, bias=False), nn.ReLU(), nn.Linear(320, 1280, bias=False), nn.Sigmoid()
        )
        self.semantic = nn.ModuleList([_Block(1280, 96, 5), _Block(96, 32, 5)])
        self.fine, self.quarter = _Block(16, DETAIL, 1), _Block(24, DETAIL, 1)
        self.halving = _Block(DETAIL + 3, DETAIL, 3, stride=2)
        self.join = _Block(2 * DETAIL, 2 * DETAIL, 3)
        self.detail = nn.Sequential(_Block(3 * DETAIL + 3, DETAIL, 3), _Block(DETAIL, DETAIL, 3))
        self.sharpen = _Block(2 * DETAIL, DETAIL, 3)
        self.coarse, self.fuse = _Block(32, DETAIL, 5), _Block(2 * DETAIL, DETAIL, 3)
        self.matte = nn.Sequential(_Block(DETAIL + 3, DETAIL // 2, 3), nn.Conv2d(DETAIL // 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        half, quarter, *_, deepest = self._levels(images)
        semantic = deepest * self.excite(deepest.mean((2, 3)))[..., None, None]
        for block in self.semantic:
            semantic = block(_scaled(semantic, 2))
        half, quarter = self.fine(half), self.quarter(quarter)
        joined = self.join(torch.cat((self.halving(torch.cat((_scaled(images, 0.5), half), 1)), quarter), 1))
        detail = self.detail(torch.cat((joined, _scaled(semantic, 2), _scaled(images, 0.25)), 1))
        detail = self.sharpen(torch.cat((_scaled(detail, 2), half), 1))
        coarse = _scaled(self.coarse(_scaled(semantic, 2)), 2)
        fused = _scaled(self.fuse(torch.cat((coarse, detail), 1)), 2)
        return torch.sigmoid(self.matte(torch.cat((fused, images), 1)))

    def _levels(self, images: Tensor) -> list[Tensor]:
        levels, features = [], images
        for number, layer in enumerate(self.backbone, 1):
            features = layer(features)
            if number in ENDS:
                levels.append(features)
        return levels


class _Block(nn.Module):
    """Convolution, then batch norm over the first half of the channels and instance norm over the second."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.shared = outputs // 2
        self.batch, self.instance = nn.BatchNorm2d(self.shared), nn.InstanceNorm2d(outputs - self.shared)

    def forward(self, features: Tensor) -> Tensor:
        features = self.convolution(features)
        first, second = features[:, : self.shared], features[:, self.shared :]
        return torch.relu(torch.cat((self.batch(first), self.instance(second)), 1))


def _scaled(features: Tensor, factor: float) -> Tensor:
    return interpolate(features, scale_factor=factor, mode="bilinear", align_corners=False)


def trained() -> MODNet:
    """Returns a network without equal tensors, which the exporter would write only once."""
    torch.manual_seed(0)
    network = MODNet().eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values in norm.state_dict().values():  # these are the tensors themselves
                if values.is_floating_point():
                    values.add_(torch.rand_like(values), alpha=0.1)
    return network
