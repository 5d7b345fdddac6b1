"""The recogniser: detects the people in images, then embeds and scores all of them together."""

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Table
from containers.human_attribute_recognition.feature import CONFIG, NETWORK
from containers.human_attribute_recognition.people import BY_THE_FRAME, Limits, Person, chosen, truncation
from containers.human_attribute_recognition.siglip.head import Head, load_head
from containers.object_recognition.detection import Detection
from containers.object_recognition.nanodet import NanoDet
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


MARGIN = 0.05  # around a box, as a share of its longer side
GREY = 127  # fills the square around the crop
_BATCH = 8  # people per call of the image tower


class Recogniser:
    """Recognises the attributes of people. tower: (N, 3, side, side) -> (N, D) embeddings."""

    def __init__(self, detector: NanoDet, tower: Executor, side: int, head: Head, table: Table) -> None:
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
        return cls(NanoDet.load(weights, device), tower, side, load_head(weights, table), table)

    def recognise(self, images: Sequence[Pixels], limits: Sequence[Limits]) -> list[list[Person]]:
        """Returns the people of every (H, W, 3) RGB image within its limits, highest score first."""
        if not images:
            return []
        detections = self._detector.detect(images, min_score=min(one.min_confidence for one in limits))
        people = [chosen(*pair) for pair in zip(detections, limits, strict=True)]
        crops = [
            crop(image, person.box, self._side)
            for image, found in zip(images, people, strict=True)
            for person in found
        ]
        rows = iter(self._logits(crops))
        return [
            [self._person(one, next(rows), image.shape[0]) for one in found]
            for image, found in zip(images, people, strict=True)
        ]

    def _logits(self, crops: Sequence[Pixels]) -> list[Floats]:
        """Returns the (values,) logits of the person in each crop."""
        batches = (crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH))
        logits = self._tower.map(map(network_input, batches), lambda outputs: self._head(outputs[0]))
        return [row for batch in logits for row in batch]

    def _person(self, detection: Detection, logits: Floats, height: int) -> Person:
        scores = percentages(self._table, logits, detection.box, height)
        return Person(detection.box, detection.score, scores, _details(self._table))


def crop(image: Pixels, box: Floats, side: int) -> Pixels:
    """Returns the box with a margin, undistorted in the middle of a grey square of `side` pixels."""
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
    """Converts (side, side, 3) RGB images to (N, 3, side, side) in -1..1."""
    return cast(Floats, cv2.dnn.blobFromImages(crops, 1 / 127.5, mean=(127.5,) * 3))


def percentages(table: Table, logits: Floats, box: Floats, height: int) -> list[list[float]]:
    """Returns the percentages of each attribute's values, with two decimals.

    logits: those of the values with prompts, in order. height: that of the image.
    """
    scores, start = [], 0
    for one in table:
        if any(value.touches for value in one.values):
            scores.append(truncation(one, box, height))
        else:
            end = start + len(one.values)
            scores.append(_softmax(logits[start:end]))
            start = end
    return scores


def _softmax(logits: Floats) -> list[float]:
    """Returns percentages that sum to 100, up to rounding."""
    precise = logits.astype(np.float64)
    shares = np.exp(precise - precise.max())
    return [round(100 * float(share), 2) for share in shares / shares.sum()]


def _details(table: Table) -> list[str]:
    """Returns for each attribute how it was judged."""
    frame = [any(value.touches for value in one.values) for one in table]
    return [BY_THE_FRAME if edge else "by comparison with sentences" for edge in frame]


def _side(weights: Weights) -> int:
    """Returns the side of the tower's input in pixels. The configuration may omit the default of 224."""
    config = json.loads(weights[CONFIG.name].read_bytes())
    return int(config["vision_config"].get("image_size", 224))


def _tower(weights: Weights) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    from containers.human_attribute_recognition.siglip.network import ImageTower

    return ImageTower(weights[CONFIG.name], weights[NETWORK.name])
