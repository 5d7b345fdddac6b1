"""The opacities that SINet gives the portraits, which a smaller network can learn from."""

import zlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import nn

from containers.human_image_segmentation.feature import SINET
from containers.human_image_segmentation.network import sinet
from containers.human_image_segmentation.refinement import contrast, matte
from containers.human_image_segmentation.segmenter import SINET_KIND, Kind
from serving.arrays import Flags, Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store
from training.material import portraits

SIDE = 176


class Labelled(NamedTuple):
    """Labelled portraits: (N, 176, 176, 3) RGB, (N, 176, 176) opacities, (N,) true for people held out."""

    pixels: Pixels
    opacities: Pixels
    held_out: Flags

    def where(self, chosen: Flags) -> "Labelled":
        return Labelled(self.pixels[chosen], self.opacities[chosen], self.held_out[chosen])

    def sure(self) -> "Labelled":
        """Returns the portraits whose opacity `is_clean`."""
        return self.where(np.array([is_clean(alpha) for alpha in self.opacities]))


def is_held_out(person: str) -> bool:
    """Tells whether a person is held out, by the hash of the name: one in twelve is."""
    return zlib.crc32(person.encode()) % 12 == 0


def is_labelled(person: str) -> bool:
    """Tells whether a person is used at all, by the hash of the name: three in five are."""
    return zlib.crc32(person.encode()) % 5 < 3


def labelled(cache: Path) -> Labelled:
    """Returns one square portrait of each `is_labelled` person, made once and stored in `cache`."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, **_labels()._asdict())
    with np.load(cache) as stored:
        return Labelled(stored["pixels"], stored["opacities"], stored["held_out"])


def teacher() -> nn.Module:
    feature = find("human_image_segmentation")
    return sinet(Store.of(Settings.read()).resolve(feature, "lite")[SINET.name])


def opacity(network: nn.Module, kind: Kind, pixels: Pixels) -> Pixels:
    """Returns the opacity of an (H, W, 3) RGB picture as the feature computes it, with refined edges."""
    square = cv2.resize(pixels, (kind.side, kind.side)).astype(np.float32)
    scaled = (square - np.array(kind.means, np.float32)) / np.array(kind.deviations, np.float32)
    planes = torch.from_numpy(scaled).permute(2, 0, 1)
    planes = planes.flip(0) if kind.reverse else planes
    with torch.inference_mode():
        straight, mirrored = network(torch.stack((planes, planes.flip(2))))[:, 0]
    probability = (straight + mirrored.flip(1)).numpy() / 2
    return matte(pixels, contrast(probability, kind.margin), kind.radius)


def is_clean(alpha: Pixels) -> bool:
    """True when the teacher is sure: few half-covered pixels, and one body in the middle."""
    covered, unsure = (alpha > 127).mean(), ((alpha > 25) & (alpha < 230)).mean()
    _, parts, sizes, _ = cv2.connectedComponentsWithStats((alpha > 127).astype(np.uint8))
    height, width = alpha.shape
    middle = alpha[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    one = parts.any() and sizes[1:, cv2.CC_STAT_AREA].max() > 0.97 * sizes[1:, cv2.CC_STAT_AREA].sum()
    return bool(0.3 < covered < 0.95 and unsure < 0.1 and one and (middle > 127).mean() > 0.95)


def _labels() -> Labelled:
    network = teacher()
    found: dict[str, tuple[Pixels, Pixels, bool]] = {}
    for person, _, pixels in portraits():
        if pixels.shape[:2] == (SIDE, SIDE) and person not in found and is_labelled(person):
            found[person] = pixels, opacity(network, SINET_KIND, pixels), is_held_out(person)
    return Labelled(*(np.stack(column) for column in zip(*found.values(), strict=True)))
