"""Trains the face detector on composed scenes: `make train NAME=faces.detector`."""

from functools import cache, partial
from typing import cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import distance_box_iou_loss  # type: ignore[import-untyped]

from serving.arrays import Floats, Integers
from training.faces.data.detector_backgrounds import Backgrounds
from training.faces.data.detector_labels import Labelled, labelled
from training.faces.data.detector_scenes import scene
from training.faces.data.turned_heads import turned_heads
from training.faces.networks.detector import CompactDetector, decoded
from training.loop import Options, Plan, Training, export
from training.material import photographs

PLAN = Plan(name="face_detector", steps=6800, rate=4e-3, average=0.998)
SIZE, BATCH = 256, 16
MEAN = 117.0  # luma of the means that RetinaFace subtracts from BGR
POSITIVE, NEGATIVE = 0.35, 0.3  # intersection over union: a face from the first, none below the second
NEGATIVES = 7  # hardest negative anchors for every positive one

Batch = tuple[Tensor, Tensor, Tensor]
"""Luma minus the mean (N, 1, S, S); kinds (N, A): 1 a face, 0 none, -1 ignored; the faces (N, A, 14)."""


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    people = [each for each in labelled() if not each.held_out]
    people += 2 * turned_heads(people)  # then three in ten of all
    training = Training(PLAN, CompactDetector, options)
    make = partial(batch, people=people, backgrounds=Backgrounds(photographs()))
    network = training.run(make, loss, every=100)
    export(network, options.out / f"{PLAN.name}.safetensors")


def batch(random: np.random.Generator, people: list[Labelled], backgrounds: Backgrounds) -> Batch:
    anchors = _anchors()
    scenes = [scene(random, SIZE, people, backgrounds) for _ in range(BATCH)]
    pixels = torch.from_numpy(np.stack([each.grey for each in scenes]))[:, None].float() - MEAN
    kinds, targets = zip(*(assigned(anchors, each.faces) for each in scenes), strict=True)
    return pixels, torch.from_numpy(np.stack(kinds)), torch.from_numpy(np.stack(targets))


def assigned(anchors: Floats, faces: Floats) -> tuple[Integers, Floats]:
    """Returns the (A,) kind and (A, 14) face of (A, 3) anchors.

    An anchor belongs to the face with the highest overlap, and every face has at least one anchor.
    """
    if not len(faces):
        return np.zeros(len(anchors), np.int64), np.zeros((len(anchors), 14), np.float32)
    half = anchors[:, 2:] / 2
    squares = np.concatenate((anchors[:, :2] - half, anchors[:, :2] + half), 1)
    shared = np.minimum(squares[:, None, 2:], faces[:, 2:4]) - np.maximum(squares[:, None, :2], faces[:, :2])
    common = shared.clip(0).prod(2)
    areas = anchors[:, 2:] ** 2 + (faces[:, 2:4] - faces[:, :2]).prod(1)
    overlap = common / (areas - common)
    best = overlap.argmax(0)
    overlap[best, np.arange(len(faces))] += 1  # makes each face's best anchor positive
    highest = overlap.max(1)
    kinds = np.where(highest >= POSITIVE, 1, np.where(highest < NEGATIVE, 0, -1))
    return kinds, faces[overlap.argmax(1)].astype(np.float32)


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Adds cross-entropy on faces and hardest negatives, distance-IoU of boxes and smooth L1 of points."""
    pixels, kinds, targets = batch
    anchors, values = cast(CompactDetector, network).raw(pixels)
    found = decoded(anchors, values)
    is_face, is_none = kinds == 1, kinds == 0
    entropy = F.cross_entropy(values[..., :2].flatten(0, 1), kinds.clamp(0).flatten(), reduction="none")
    count = int(is_face.sum()) + 1
    hardest = entropy[is_none.flatten()].topk(NEGATIVES * count).values.sum()
    classes = (entropy[is_face.flatten()].sum() + hardest) / count
    faces, truth = found[is_face], targets[is_face]
    side = anchors[:, 2].expand(len(pixels), -1)[is_face][:, None]
    boxes = distance_box_iou_loss(faces[:, :4], truth[:, :4], reduction="sum") / count
    misses = (faces[:, 5:] - truth[:, 4:]) / side
    points = F.smooth_l1_loss(misses, torch.zeros_like(misses), beta=0.1, reduction="sum") / count
    total: Tensor = classes + 2 * boxes + 2 * points
    return total


@cache
def _anchors() -> Floats:
    with torch.no_grad():
        anchors, _ = CompactDetector().eval().raw(torch.zeros(1, 1, SIZE, SIZE))
    return anchors.numpy()


if __name__ == "__main__":
    main()
