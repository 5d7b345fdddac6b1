"""The people of images and what is true of them: detection, then one network over all people of all."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import cv2
import numpy as np

from containers.human_attribute_recognition import head
from containers.human_attribute_recognition.attributes import ATTRIBUTES, Attribute, Table
from containers.human_attribute_recognition.head import Head
from containers.human_attribute_recognition.weight_files import CONFIG, NETWORK
from containers.object_recognition.classes import PERSON
from containers.object_recognition.detection import Detection
from containers.object_recognition.fastestdet import FastestDet
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


MARGIN = 0.05  # of a box's longer side, on every side
GREY = 127  # of what is no image
NEAR = 0.03  # of a box's height: from there to an edge of the image it is ever less likely to reach it
_BATCH = 8


class Person(NamedTuple):
    """box, score: as in `Detection`. scores: percentages, by attribute and value in the table's order."""

    box: Floats
    score: float
    scores: list[list[float]]


class Wanted(NamedTuple):
    """Which people of an image: the surest so many, and none less sure than that."""

    max_people: int
    min_confidence: float


class Recogniser:
    """tower: (N, 3, side, side) -> (N, D) embeddings."""

    def __init__(self, detector: FastestDet, tower: Executor, side: int, head: Head, table: Table) -> None:
        self._detector, self._tower, self._side = detector, tower, side
        self._head, self._table = head, table

    @classmethod
    def load(cls, weights: Weights, device: str, table: Table = ATTRIBUTES) -> Self:
        side = _side(weights)
        tower = compile(
            partial(_tower, weights),
            np.zeros((1, 3, side, side), np.float32),
            device=device,
            cache=weights.derived("siglip2-image"),
            warm_up=[(1, 3, side, side), (_BATCH, 3, side, side)],
        )
        return cls(FastestDet.load(weights, device), tower, side, head.of(weights, table), table)

    def recognise(self, images: Sequence[Pixels], wanted: Sequence[Wanted]) -> list[list[Person]]:
        """The wanted people of every (H, W, 3) RGB image, surest first."""
        if not images:
            return []
        detections = self._detector.detect(images, min_score=min(one.min_confidence for one in wanted))
        people = [_chosen(*pair) for pair in zip(detections, wanted, strict=True)]
        crops = [
            crop(image, person.box, self._side)
            for image, found in zip(images, people, strict=True)
            for person in found
        ]
        batches = (crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH))
        logits = self._tower.map(map(network_input, batches), lambda outputs: self._head(outputs[0]))
        rows = (row for batch in logits for row in batch)
        return [
            [
                Person(one.box, one.score, percentages(self._table, next(rows), one.box, image.shape[0]))
                for one in found
            ]
            for image, found in zip(images, people, strict=True)
        ]


def crop(image: Pixels, box: Floats, side: int) -> Pixels:
    """The box and a margin around it, undistorted in the middle of a grey square of `side` pixels."""
    margin = MARGIN * max(box[2:] - box[:2])
    size = np.array(image.shape[1::-1])
    start = np.clip(box[:2] - margin, 0, size - 1).astype(int)  # x and y
    end = np.ceil(np.clip(box[2:] + margin, start + 1, size)).astype(int)
    part = image[start[1] : end[1], start[0] : end[0]]
    zoom = side / max(part.shape[:2])
    height, width = (max(1, round(zoom * length)) for length in part.shape[:2])
    square = np.full((side, side, 3), GREY, np.uint8)
    y, x = (side - height) // 2, (side - width) // 2
    square[y : y + height, x : x + width] = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    return square


def network_input(crops: Sequence[Pixels]) -> Floats:
    """(side, side, 3) RGB images -> (N, 3, side, side) in -1..1."""
    return cast(Floats, cv2.dnn.blobFromImages(crops, 1 / 127.5, mean=(127.5,) * 3))


def percentages(table: Table, logits: Floats, box: Floats, height: int) -> list[list[float]]:
    """Of each attribute's values, two decimals. logits: of the prompted values. height: of the image."""
    rest = iter(logits)
    return [
        _cut(one, box, height) if any(value.touches for value in one.values) else _softmax(one, rest)
        for one in table
    ]


def _softmax(attribute: Attribute, logits: Iterator[np.float32]) -> list[float]:
    own = np.array([next(logits) for _ in attribute.values], np.float64)
    shares = np.exp(own - own.max())
    return [round(100 * float(share), 2) for share in shares / shares.sum()]


def _cut(attribute: Attribute, box: Floats, height: int) -> list[float]:
    """Whether the box reaches the edge of the image, for a pair of values."""
    gaps = {"top": box[1], "bottom": height - box[3]}
    edge = next(value.touches for value in attribute.values if value.touches)
    reached = float(np.clip(1 - gaps[edge] / (NEAR * (box[3] - box[1])), 0, 1))
    return [round(100 * (reached if value.touches else 1 - reached), 2) for value in attribute.values]


def _chosen(detections: Sequence[Detection], wanted: Wanted) -> list[Detection]:
    people = [one for one in detections if one.label == PERSON and one.score >= wanted.min_confidence]
    return people[: wanted.max_people]


def _side(weights: Weights) -> int:
    """Pixels of the tower's input; where the file does not say, what its format means by that."""
    config = json.loads(weights[CONFIG.name].read_bytes())
    return int(config["vision_config"].get("image_size", 224))


def _tower(weights: Weights) -> "torch.nn.Module":
    # late: a start from a compiled network needs no torch
    from containers.human_attribute_recognition.network import ImageTower

    return ImageTower(weights[CONFIG.name], weights[NETWORK.name])
