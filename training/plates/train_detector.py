"""Trains the plate detector: `make train NAME=plates.detector`."""

from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from containers.car_license_plate.networks.platenet import Residual, convolution
from serving.arrays import Floats
from training.loop import Options, Plan, Training, export
from training.plates.scenes import STRIDE, batch

PLAN = Plan(name="plate_detector", steps=1000, rate=2e-3, warm_up=100, average=0.99)
BATCH = 32
HELD_OUT = 10**6  # seed of the scenes on which the detector is measured
MIN_HEAT = 0.35  # score from which a centre is a plate
SCALE = 32  # px; corners are regressed in this unit

Batch = tuple[Tensor, Tensor, Tensor]


class PlateFinder(nn.Module):
    """(N, 3, 8h, 8w) RGB in [-1, 1] -> (N, 9, h, w): logit of a centre, then x and y of four corners."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(3, 16, 5, padding=2, stride=2),
            convolution(16, 32, 3, padding=1, stride=2),
            convolution(32, 48, 3, padding=1, stride=2),
            Residual(48),
            convolution(48, 48, 3, padding=2, dilation=2),
            convolution(48, 48, 3, padding=4, dilation=4),
            convolution(48, 48, 3, padding=2, dilation=2),
            nn.Conv2d(48, 9, 1),
        )
        nn.init.constant_(self.layers[-1].bias[0], -4.0)  # type: ignore[index]

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Returns the heat's focal loss of CornerNet (https://arxiv.org/abs/1808.01244) plus the corners' L1."""
    images, heat, corners = batch
    found = network(images)
    score = torch.sigmoid(found[:, 0]).clamp(1e-4, 1 - 1e-4)
    peak = heat > 0.999
    positive = -((1 - score) ** 2) * torch.log(score) * peak
    negative = -((1 - heat) ** 4) * score**2 * torch.log(1 - score) * ~peak
    near = (heat > 0.5)[:, None]  # cells whose corners count
    distance = F.smooth_l1_loss(found[:, 1:] * near, corners / SCALE * near, reduction="sum", beta=0.1)
    return (positive + negative).sum() / peak.sum().clamp(1) + distance / near.sum().clamp(1)


def plates(network: nn.Module, images: Tensor, floor: float = MIN_HEAT) -> list[list[tuple[Floats, float]]]:
    """Returns the plates of each picture, highest score first: corners (4, 2) in px, and score."""
    with torch.inference_mode():
        found = network(images)
        score = torch.sigmoid(found[:, 0])
        peaks = (score == F.max_pool2d(score, 3, 1, 1)) & (score > floor)
    seen: list[list[tuple[Floats, float]]] = [[] for _ in images]
    for index, y, x in peaks.nonzero().tolist():
        middle = (np.array((x, y), np.float32) + 0.5) * STRIDE
        corners = found[index, 1:, y, x].reshape(4, 2).numpy() * SCALE + middle
        seen[index].append((corners, float(score[index, y, x])))
    return [_distinct(sorted(some, key=lambda one: -one[1])) for some in seen]


def overlap(one: Floats, other: Floats) -> float:
    """Returns the intersection over union of two convex quadrangles."""
    shared, _ = cv2.intersectConvexConvex(cv2.convexHull(one), cv2.convexHull(other))
    both = cv2.contourArea(cv2.convexHull(one)) + cv2.contourArea(cv2.convexHull(other))
    return float(shared / max(1e-6, both - shared))


def _distinct(found: list[tuple[Floats, float]]) -> list[tuple[Floats, float]]:
    """Returns the plates that do not overlap one before them."""
    kept: list[tuple[Floats, float]] = []
    for plate in found:
        if all(overlap(plate[0], other[0]) < 0.3 for other in kept):
            kept.append(plate)
    return kept


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    network = Training(PLAN, PlateFinder, options).run(partial(batch, size=BATCH), loss, every=100)
    export(network, options.out / f"{PLAN.name}.safetensors")


if __name__ == "__main__":
    main()
