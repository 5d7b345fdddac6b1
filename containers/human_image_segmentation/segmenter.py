"""The segmenter: the probability that a pixel belongs to a person, by SINet or the matting network MODNet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import cv2
import numpy as np

from containers.face_detection.detector import FaceDetector
from containers.human_image_segmentation.feature import MODNET, SINET
from containers.human_image_segmentation.refinement import contrast
from containers.human_image_segmentation.regions import Region, people, region
from containers.object_recognition.fastestdet import FastestDet
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The input that a network expects, and the accuracy of its output.

    file: name of the weight file. side: of the input, in pixels. means, deviations: of red, green and blue in
    0..255. reverse: the order is blue, green, red. batch: crops per call.
    margin: probabilities at most this far from 0 or 1 become 0 or 1.
    radius: largest error of the position of edges, as a share of the side.
    """

    file: str
    side: int
    means: tuple[float, float, float]
    deviations: tuple[float, float, float]
    reverse: bool
    batch: int
    margin: float
    radius: float


SINET_KIND = Kind(
    file=SINET.name,
    side=224,
    means=(132.35703, 115.69884, 107.304565),
    deviations=(68.29726 * 255, 65.1337 * 255, 63.97182 * 255),
    reverse=True,
    batch=8,
    margin=0.2,
    radius=0.02,
)
MODNET_KIND = Kind(
    file=MODNET.name,
    side=512,
    means=(127.5, 127.5, 127.5),
    deviations=(127.5, 127.5, 127.5),
    reverse=False,
    batch=1,  # more are possible only if the batch axis of the file is dynamic
    margin=0.0,
    radius=0.004,
)


class Patch(NamedTuple):
    """A region and the probability of a person in it, (S, S), scaled to the whole region."""

    region: Region
    probability: Floats


class Segmenter:
    """Finds and segments people.

    network: (N, 3, S, S) in the form that `kind` describes -> (N, 1, S, S) probability of a person.
    """

    def __init__(self, persons: FastestDet, faces: FaceDetector, network: Executor, kind: Kind) -> None:
        self._persons, self._faces, self._network, self.kind = persons, faces, network, kind

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the networks of the weights' profile, compiled for the device."""
        kind = SINET_KIND if SINET.name in weights else MODNET_KIND
        shape = (kind.batch, 3, kind.side, kind.side)
        network = compile(
            partial(_network, weights[kind.file]),
            np.zeros(shape, np.float32),
            device=device,
            cache=weights.derived(kind.file.partition(".")[0]),
            warm_up=[shape],
        )
        return cls(FastestDet.load(weights, device), FaceDetector.load(weights, device), network, kind)

    def segment(self, images: Sequence[Pixels]) -> list[list[Patch]]:
        """Returns a patch for every person in every (H, W, 3) RGB image."""
        found = zip(self._persons.detect(images), self._faces.detect(images), strict=True)
        regions = [
            [region(box, *image.shape[:2]) for box in people(*each)]
            for image, each in zip(images, found, strict=True)
        ]
        views = [
            view
            for image, each in zip(images, regions, strict=True)
            for one in each
            for view in self._views(image[one.top : one.bottom, one.left : one.right])
        ]
        maps = self._maps(views)
        pairs = zip(maps[::2], maps[1::2], strict=True)  # each crop and its mirror image
        return [[self._patch(one, *next(pairs)) for one in each] for each in regions]

    def _maps(self, views: Sequence[Floats]) -> list[Floats]:
        """Returns the (S, S) output of the network for every (3, S, S) view."""
        size = self.kind.batch
        batches = (np.stack(views[start : start + size]) for start in range(0, len(views), size))
        maps = self._network.map(batches, lambda outputs: list(outputs[0][:, 0].copy()))
        return [one for batch in maps for one in batch]

    def _views(self, crop: Pixels) -> tuple[Floats, Floats]:
        """Returns the network's input, (3, S, S), for the crop and for its mirror image."""
        kind = self.kind
        square = cv2.resize(crop, (kind.side, kind.side), interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (square - np.array(kind.means, np.float32)) / np.array(kind.deviations, np.float32)
        planes = cast(Floats, scaled.transpose(2, 0, 1))
        planes = planes[::-1] if kind.reverse else planes
        return planes, planes[..., ::-1]

    def _patch(self, one: Region, straight: Floats, mirrored: Floats) -> Patch:
        probability = contrast((straight + mirrored[:, ::-1]) / np.float32(2), self.kind.margin)
        return Patch(one, probability * one.window(self.kind.side))


def _network(file: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    if file.suffix == ".onnx":
        import onnx2torch  # type: ignore[import-untyped]

        module: torch.nn.Module = onnx2torch.convert(file)
        return module
    from containers.human_image_segmentation.network import sinet

    return sinet(file)
