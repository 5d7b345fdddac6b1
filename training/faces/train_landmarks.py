"""Trains the network of 106 points on FaceMesh's outputs: `make train NAME=faces.landmarks`."""

from functools import partial
from typing import cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from containers.face_detection.crops import GREY, Square
from serving.arrays import Doubles, Floats, Pixels
from training.faces.data.detector_backgrounds import Backgrounds
from training.faces.data.detector_degradation import degraded, shaded
from training.faces.data.detector_labels import Labelled, face_square, labelled
from training.faces.data.turned_heads import turned_heads
from training.faces.networks.landmarks import LUMA, SIZE, CompactLandmarks
from training.loop import Options, Plan, Training, export
from training.material import photographs

PLAN = Plan(name="face_landmarks", steps=10000, rate=3e-3, average=0.998)
BATCH = 32
GREY_TONE = int(np.dot(LUMA, GREY))
# fmt: off
MIRRORED = (
    *range(32, -1, -1), *range(42, 32, -1), *range(43, 47), *range(51, 46, -1),
    61, 60, 59, 58, 63, 62, 55, 54, 53, 52, 57, 56, *range(71, 63, -1),
    75, 76, 77, 72, 73, 74, 79, 78, 81, 80, 83, 82,
    *range(90, 83, -1), *range(95, 90, -1), *range(100, 95, -1), 103, 102, 101, 105, 104,
)
# fmt: on
"""Index of each point's mirror image, in the order of containers/face_detection/mesh106.py."""

Batch = tuple[Tensor, Tensor]
"""Crops (N, 1, 112, 112) in 0..255, and points (N, 106, 2), x and y in pixels."""


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    people = [each for each in labelled() if not each.held_out]
    people += turned_heads(people)  # then a sixth of all
    training = Training(PLAN, partial(_network, people), options)
    make = partial(batch, people=people, backgrounds=Backgrounds(photographs()))
    network = training.run(make, loss, every=100)
    export(network, options.out / f"{PLAN.name}.safetensors")


def batch(random: np.random.Generator, people: list[Labelled], backgrounds: Backgrounds) -> Batch:
    chosen = [people[index] for index in random.integers(len(people), size=BATCH)]
    crops, points = zip(*(crop(random, each, backgrounds) for each in chosen), strict=True)
    return torch.from_numpy(np.stack(crops))[:, None].float(), torch.from_numpy(np.stack(points))


def crop(random: np.random.Generator, person: Labelled, backgrounds: Backgrounds) -> tuple[Pixels, Floats]:
    """Returns the (112, 112) crop and (106, 2) points of a face, cut as an inexact detector would cut it.

    Half of the crops are mirrored. The portrait ends within the crop; beyond it lies the feature's grey, a
    background, or the portrait's repeated rim.
    """
    exact = face_square(person)
    near = Square(
        exact.centre + (random.normal(0, 0.035, 2) * exact.side).astype(np.float32),
        exact.side * float(np.exp(random.normal(0, 0.07))),
        exact.angle + random.normal(0, 0.1),
    )
    matrix = into(near)
    points = person.landmarks @ matrix[:, :2].T + matrix[:, 2]
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # to the centres of pixels
    portrait = shaded(random, person.grey)
    pixels = cv2.warpAffine(portrait, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    if random.random() < 0.8:
        inside = cv2.warpAffine(np.ones_like(portrait), matrix, (SIZE, SIZE))
        beyond = GREY_TONE if random.random() < 0.5 else backgrounds.piece(random, SIZE)
        pixels = np.where(inside, pixels, beyond)
    pixels = degraded(random, pixels.astype(np.uint8))
    if random.random() < 0.5:
        mirror = np.array((SIZE, 0)), np.array((-1, 1))
        pixels, points = (
            np.ascontiguousarray(pixels[:, ::-1]),
            (mirror[0] + mirror[1] * points)[list(MIRRORED)],
        )
    return pixels.astype(np.uint8, copy=False), points.astype(np.float32)


def into(one: Square) -> Doubles:
    """Returns the (2, 3) matrix from portrait to crop, with coordinates counted from pixels' corners."""
    cosine, sine = np.cos(one.angle), np.sin(one.angle)
    axes = np.array(((cosine, sine), (-sine, cosine))) * (SIZE / one.side)
    return np.column_stack((axes, SIZE / 2 - axes @ one.centre))


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Returns smooth L1, which is linear from half a pixel on."""
    pixels, points = batch
    return F.smooth_l1_loss(cast(CompactLandmarks, network).of_grey(pixels), points, beta=0.5)


def _network(people: list[Labelled]) -> CompactLandmarks:
    """Builds the network so that it gives the mean face before its training."""
    network = CompactLandmarks()
    squares = [face_square(each) for each in people[:1000]]
    faces = [
        each.landmarks @ matrix[:, :2].T + matrix[:, 2]
        for each, matrix in zip(people, map(into, squares), strict=False)
    ]
    network.mean.copy_(torch.from_numpy(np.mean(faces, 0)))
    nn.init.zeros_(network.points.weight)
    return network


if __name__ == "__main__":
    main()
