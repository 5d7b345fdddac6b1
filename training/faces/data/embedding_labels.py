"""Aligned faces of the portraits, and the vectors that MobileFace V2 gives them."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from containers.face_comparison import embedding
from containers.face_comparison.embedding import align
from containers.face_comparison.feature import MOBILEFACE
from containers.face_comparison.networks.mobileface import mobileface
from containers.face_detection import detection
from containers.face_detection.detector import FaceDetector
from containers.face_detection.networks.retinaface import retinaface
from containers.face_detection.weight_files import RETINAFACE
from serving.arrays import Flags, Floats, Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store
from training.faces.data.matte_labels import is_held_out
from training.material import portraits

PER_PERSON = 12  # pictures of one person; without a limit one president would be a large share of all


class Known(NamedTuple):
    """Labelled faces: (N, 112, 112) grey and aligned, (N, 256) unit vectors, (N,) names, (N,) held out."""

    faces: Pixels
    vectors: Floats
    names: NDArray[np.str_]
    held_out: Flags

    def where(self, chosen: Flags) -> "Known":
        return Known(self.faces[chosen], self.vectors[chosen], self.names[chosen], self.held_out[chosen])


def known(cache: Path) -> Known:
    """Returns at most `PER_PERSON` faces of each person, which are made once and stored in `cache`."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, **_labels()._asdict())
    with np.load(cache) as stored:
        return Known(*(stored[name] for name in Known._fields))


def _labels() -> Known:
    weights = Store.of(Settings.read()).resolve(find("face_comparison"), "lite")
    detector, embedder = retinaface(weights[RETINAFACE.name]), mobileface(weights[MOBILEFACE.name])
    taken = Counter[str]()
    names: list[str] = []
    aligned: list[Pixels] = []
    vectors: list[Tensor] = []
    for person, _, pixels in portraits():
        if taken[person] == PER_PERSON:
            continue
        with torch.inference_mode():
            anchors = detector(torch.from_numpy(detection.network_input(pixels)))[0].numpy()
            found = detection.faces([detection.likely(anchors, FaceDetector.MIN_SCORE)], (1.0,))
            if found:
                taken[person] += 1
                names.append(person)
                aligned.append(align(pixels, max(found, key=lambda face: face.size).points))
                vectors.append(embedder(torch.from_numpy(embedding.network_input(aligned[-1:]))).sum(0))
    grey = np.stack([np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8) for face in aligned])
    units = normalize(torch.stack(vectors)).numpy()
    return Known(grey, units, np.array(names), np.array([is_held_out(name) for name in names]))
