"""OWLv2: things in images by any words."""

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from containers.object_recognition.detection import surest
from containers.object_recognition.labels import LABELS
from containers.object_recognition.letterbox import letterbox
from containers.object_recognition.recogniser import Image, Query, Thing
from containers.object_recognition.vocabulary import Vocabulary
from containers.object_recognition.weight_files import OWLV2_CONFIG
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

GREY = 128  # of what is no image
MAX_OVERLAP = 0.5  # of two boxes of one name, intersection over union


class OpenVocabulary:
    """network: as `owlv2.ImageSide`, for squares of `side` pixels."""

    known = LABELS

    def __init__(self, network: Executor, side: int, vocabulary: Vocabulary) -> None:
        self._network, self._side, self._vocabulary = network, side, vocabulary

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Compiled for the device, with the vectors of the 300 names."""
        side = json.loads(weights[OWLV2_CONFIG.name].read_bytes())["vision_config"]["image_size"]
        network = compile(
            partial(_network, weights),
            np.zeros((1, 3, side, side), np.float32),
            device=device,
            cache=weights.derived("owlv2-image"),
        )
        return cls(network, side, Vocabulary(weights))

    def check(self, names: tuple[str, ...]) -> None:
        self._vocabulary.vectors(names)

    def find(self, images: Sequence[Image], queries: Sequence[Query]) -> list[list[Thing]]:
        rest = iter(zip(images, queries, strict=True))

        def things(outputs: tuple[Floats, ...]) -> list[Thing]:
            image, query = next(rest)
            boxes, embeddings, score = (output[0] for output in outputs)
            cosines = embeddings @ self._vocabulary.vectors(query.names).T
            labels = cosines.argmax(1)
            scores = 1 / (1 + np.exp(-(cosines.max(1) + score[:, 0]) * score[:, 1]))
            inside = inside_image(boxes, image.shape)
            chosen = (scores >= query.min_score) & (inside[:, 2:] > inside[:, :2]).all(1)
            found = surest(inside[chosen], scores[chosen], labels[chosen], MAX_OVERLAP)
            return [Thing(query.names[one.label], one.score, one.box) for one in found]

        squares = (letterbox(image, self._side, GREY) for image in images)
        inputs = (square.transpose(2, 0, 1)[None].astype(np.float32) for square in squares)
        return self._network.map(inputs, things)


def inside_image(boxes: Floats, shape: tuple[int, ...]) -> Floats:
    """(N, 4) left, top, right, bottom in pixels. boxes: centre and size as ratios of the square around it."""
    half = boxes[:, 2:] / 2
    corners = np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), 1) * max(shape[:2])
    return corners.clip(0, np.tile(shape[1::-1], 2)).astype(np.float32)


def _network(weights: Weights) -> "torch.nn.Module":
    from containers.object_recognition.networks import (
        owlv2,  # late: needed only where nothing is compiled yet
    )

    return owlv2.ImageSide(weights)
