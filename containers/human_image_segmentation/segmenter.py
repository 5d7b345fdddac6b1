"""The segmenter: the probability that a pixel belongs to a person, by MediaPipe's network or MODNet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import cv2
import numpy as np

from containers.face_detection.detector import FaceDetector
from containers.human_image_segmentation.feature import MODNET, SELFIE
from containers.human_image_segmentation.refinement import contrast
from containers.human_image_segmentation.regions import Region, is_filled, people, region
from containers.object_recognition.nanodet import NanoDet
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The input that a network expects, and the accuracy of its output.

    file: name of the weight file. side: of the input, in pixels. means, deviations: of red, green and blue in
    0..255. batch: crops per call.
    margin: probabilities at most this far from 0 or 1 become 0 or 1.
    radius: largest error of the position of edges, as a share of the side.
    """

    file: str
    side: int
    means: tuple[float, float, float]
    deviations: tuple[float, float, float]
    batch: int
    margin: float
    radius: float


SELFIE_KIND = Kind(
    file=SELFIE.name,
    side=256,
    means=(0.0, 0.0, 0.0),
    deviations=(255.0, 255.0, 255.0),
    batch=8,
    margin=0.1,
    radius=0.01,
)
MODNET_KIND = Kind(
    file=MODNET.name,
    side=512,
    means=(127.5, 127.5, 127.5),
    deviations=(127.5, 127.5, 127.5),
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

    def __init__(self, persons: NanoDet, faces: FaceDetector, network: Executor, kind: Kind) -> None:
        self._persons, self._faces, self._network, self.kind = persons, faces, network, kind

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        """Loads the networks of the weights' profile, compiled for the device."""
        kind = SELFIE_KIND if SELFIE.name in weights else MODNET_KIND
        shape = (kind.batch, 3, kind.side, kind.side)
        network = compile(
            partial(_network, weights[kind.file]),
            np.zeros(shape, np.float32),
            device=device,
            cache=weights.derived(kind.file.partition(".")[0]),
            warm_up=[shape],
        )
        return cls(NanoDet.load(weights, device), FaceDetector.load(weights, device), network, kind)

    def segment(self, images: Sequence[Pixels]) -> list[list[Patch]]:
        """Returns a patch for every person in every (H, W, 3) RGB image."""
        crops: list[list[_Crop]] = []
        for image, found, faces in zip(
            images, self._persons.detect(images), self._faces.detect(images), strict=True
        ):
            height, width = image.shape[:2]
            regions = [region(box, height, width) for box in people(found, faces, height * width)]
            crops.append([_Crop(image, one, _FILLED if is_filled(one, faces) else _PLAIN) for one in regions])
        maps = self._maps([view for each in crops for one in each for view in self._views(one)])
        pairs = zip(maps[::2], maps[1::2], strict=True)
        return [[self._patch(one, *next(pairs)) for one in each] for each in crops]

    def _maps(self, views: Sequence[Floats]) -> list[Floats]:
        """Returns the (S, S) output of the network for every (3, S, S) view."""
        size = self.kind.batch
        batches = (np.stack(views[start : start + size]) for start in range(0, len(views), size))
        maps = self._network.map(batches, lambda outputs: list(outputs[0][:, 0].copy()))
        return [one for batch in maps for one in batch]

    def _views(self, crop: "_Crop") -> list[Floats]:
        """Returns the network's two inputs, (3, S, S), for the crop; the second one is mirrored."""
        straight, mirrored = (self._input(crop.framed(frame)) for frame in crop.frames)
        return [straight, mirrored[..., ::-1]]

    def _input(self, pixels: Pixels) -> Floats:
        kind = self.kind
        square = cv2.resize(pixels, (kind.side, kind.side), interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (square - np.array(kind.means, np.float32)) / np.array(kind.deviations, np.float32)
        return cast(Floats, scaled.transpose(2, 0, 1))

    def _patch(self, crop: "_Crop", straight: Floats, mirrored: Floats) -> Patch:
        both = [_inside(*each) for each in zip((straight, mirrored[:, ::-1]), crop.frames, strict=True)]
        joined = np.maximum(*both) if crop.frames is _FILLED else (both[0] + both[1]) / np.float32(2)
        return Patch(crop.region, contrast(joined, self.kind.margin) * crop.region.window(self.kind.side))


class _Frame(NamedTuple):
    """Pixels around a crop. width: as a share of its sides. border: cv2's way to fill them."""

    width: float
    border: int


_PLAIN = _Frame(0.0, cv2.BORDER_CONSTANT), _Frame(0.0, cv2.BORDER_CONSTANT)
_FILLED = _Frame(0.15, cv2.BORDER_REPLICATE), _Frame(0.3, cv2.BORDER_CONSTANT)
"""The frames of the two views. Without one, the network often finds nobody in a face that fills the crop."""
_GREY = 127, 127, 127


class _Crop(NamedTuple):
    image: Pixels
    region: Region
    frames: tuple[_Frame, _Frame]

    def framed(self, frame: _Frame) -> Pixels:
        """Returns the pixels of the region inside the frame."""
        left, top, right, bottom = self.region[:4]
        across, down = round(frame.width * (right - left)), round(frame.width * (bottom - top))
        inside = self.image[top:bottom, left:right]
        framed = cv2.copyMakeBorder(inside, down, down, across, across, frame.border, value=_GREY)
        return framed.astype(np.uint8, copy=False)


def _inside(values: Floats, frame: _Frame) -> Floats:
    """Returns the (S, S) map without its frame, at the same size."""
    side = len(values)
    rim = round(side * frame.width / (1 + 2 * frame.width))
    inner = cv2.resize(values[rim : side - rim, rim : side - rim], (side, side))
    return inner.astype(np.float32, copy=False)


def _network(file: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    if file.suffix == ".onnx":
        import onnx2torch  # type: ignore[import-untyped]

        module: torch.nn.Module = onnx2torch.convert(file)
        return module
    from containers.human_image_segmentation.network import selfie

    return selfie(file)
