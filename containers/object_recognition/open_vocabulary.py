"""OWLv2 finds objects in images by any words."""

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from containers.object_recognition.detection import letterbox, suppress_overlaps
from containers.object_recognition.feature import OWLV2_CONFIG
from containers.object_recognition.labels import LABELS
from containers.object_recognition.recogniser import FoundObject, Query
from containers.object_recognition.vocabulary import Vocabulary
from serving.arrays import Floats, Pixels
from serving.executor import Executor, Outputs, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


GREY = 128  # value of the square around the image
MAX_OVERLAP = 0.5  # intersection over union of two boxes of one name


class OpenVocabulary:
    """The recogniser of the profile `standard`.

    network: the compiled `networks.owlv2.ImageSide`, for squares of `side` pixels.
    """

    known = LABELS

    def __init__(self, network: Executor, side: int, vocabulary: Vocabulary) -> None:
        self._network, self._side, self._vocabulary = network, side, vocabulary

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Compiles the network for the device and computes or reads the vectors of the 300 names."""
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

    def find(self, images: Sequence[Pixels], queries: Sequence[Query]) -> list[list[FoundObject]]:
        inputs = (
            (self._network_input(image), (image.shape, query))
            for image, query in zip(images, queries, strict=True)
        )
        return self._network.map_with(inputs, lambda outputs, context: self._objects(outputs, *context))

    def _network_input(self, image: Pixels) -> Floats:
        """Puts an (H, W, 3) RGB image into a square, (1, 3, side, side) in 0..255."""
        square = letterbox(image, self._side, GREY)
        return square.transpose(2, 0, 1)[None].astype(np.float32)

    def _objects(self, outputs: Outputs, shape: tuple[int, ...], query: Query) -> list[FoundObject]:
        """Decodes the network's outputs for one image of that shape."""
        boxes, embeddings, calibration = (output[0] for output in outputs)
        cosines = embeddings @ self._vocabulary.vectors(query.names).T
        labels = cosines.argmax(1)
        scores = 1 / (1 + np.exp(-(cosines.max(1) + calibration[:, 0]) * calibration[:, 1]))
        inside = inside_image(boxes, shape)
        chosen = (scores >= query.min_score) & (inside[:, 2:] > inside[:, :2]).all(1)
        found = suppress_overlaps(inside[chosen], scores[chosen], labels[chosen], MAX_OVERLAP)
        return [FoundObject(query.names[one.label], one.score, one.box) for one in found]


def inside_image(boxes: Floats, shape: tuple[int, ...]) -> Floats:
    """Returns (N, 4) left, top, right, bottom in pixels of an image of that shape.

    boxes: (N, 4) centre and size as ratios of the square around the image.
    """
    half = boxes[:, 2:] / 2
    corners = np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), 1) * max(shape[:2])
    return corners.clip(0, np.tile(shape[1::-1], 2)).astype(np.float32)


def _network(weights: Weights) -> "torch.nn.Module":
    # imported here, because a start from a cached compiled network needs no torch
    from containers.object_recognition.networks.owlv2 import ImageSide

    return ImageSide(weights)
