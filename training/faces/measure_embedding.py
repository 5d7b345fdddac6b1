"""Measures how well the network tells people apart: `python -m training.faces.measure_embedding`.

The boundary comes from people held out of the training. The figures come from these people and from
`../shared/images/faces_lfw_aligned`, which shows other people than the portraits. `benchmarks/face_pairs.py`
makes the pairs. Prints Markdown.
"""

import cv2
import numpy as np
from safetensors.torch import load_file

from benchmarks.face_pairs import PairMeasure, People, fit, pairs, report
from containers.face_comparison.embedding import KINDS, FaceEmbedder, Kind, network_input
from containers.face_comparison.feature import MOBILEFACE
from containers.face_comparison.networks.mobileface import mobileface
from containers.face_detection.detector import FaceDetector
from serving.arrays import Pixels
from serving.executor import compile
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store
from training.faces.data.embedding_labels import Known, known
from training.faces.networks.embedding import EmbeddingNetwork
from training.loop import Options
from training.material import SHARED


def main() -> None:
    options = Options.read()
    unseen = known(options.out / "faces_aligned.npz")
    unseen = unseen.where(unseen.held_out)
    weights = Store.of(Settings.read()).resolve(find("face_comparison"), "lite")
    detector = FaceDetector.load(weights, "cpu")
    network = EmbeddingNetwork()
    network.load_state_dict(load_file(options.out / "face_embedding.safetensors"), strict=False)
    for name, each in (("ours", network.eval()), ("MobileFace V2", mobileface(weights[MOBILEFACE.name]))):
        embedder = FaceEmbedder(compile(lambda: each, network_input(_blank()), device="cpu"), KINDS["lite"])  # noqa: B023
        held_out = pairs(people(unseen, embedder))
        boundary, slope = fit(held_out)
        embedder.kind = Kind("", name, embedder.kind.dimensions, boundary, slope)
        evaluated, _ = PairMeasure(detector, embedder).see(SHARED / "images/faces_lfw_aligned")
        print(f"{name}: boundary {boundary:.3f}, slope {slope:.1f}")
        print(f"| {name}, people held out | {report(held_out, embedder.kind)} |")
        print(f"| {name}, LFW pairs | {report(pairs(evaluated), embedder.kind)} |")


def people(some: Known, embedder: FaceEmbedder) -> People:
    """Returns the vectors of each person who has at least two pictures, by name."""
    vectors = embedder.embed([cv2.cvtColor(face, cv2.COLOR_GRAY2RGB) for face in some.faces])
    by_name: People = {}
    for name, vector in zip(some.names, vectors, strict=True):
        by_name.setdefault(str(name), []).append(vector.astype(float))
    return {name: each for name, each in by_name.items() if len(each) > 1}


def _blank() -> list[Pixels]:
    return [np.zeros((112, 112, 3), np.uint8)]


if __name__ == "__main__":
    main()
