"""Measures how close the matte network comes to its teacher: `python -m training.faces.measure_matte`.

Portraits are measured with the network alone: those of people held out, and coloured ones that were never
trained on. Photographs are measured with the whole feature, from detectors to refined edges, with either
network in it. Prints Markdown.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from safetensors.torch import load_file
from torch import nn

from containers.face_detection.detector import FaceDetector
from containers.human_image_segmentation.model import joined, shrunk
from containers.human_image_segmentation.segmenter import SINET_KIND, Kind, Segmenter
from containers.object_recognition.fastestdet import FastestDet
from serving.arrays import Floats, Pixels
from serving.executor import compile
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import Store
from training.faces.data.matte_labels import is_held_out, is_labelled, labelled, opacity, teacher
from training.faces.networks.matte import SIDE, MatteNetwork
from training.loop import Options
from training.material import SHARED, portraits

KIND = replace(
    SINET_KIND,
    side=SIDE,
    means=(127.5, 127.5, 127.5),
    deviations=(127.5, 127.5, 127.5),
    reverse=False,
)
COLOURED = 4  # mean difference of red and blue
MOST = 20  # coloured portraits of one person


def main() -> None:
    options = Options.read()
    network = MatteNetwork()
    network.load_state_dict(load_file(options.out / "matte.safetensors"), strict=False)
    ours, theirs = network.eval(), teacher()
    for line in (*whole(ours, options.out / "mattes.npz"), *coloured(ours, theirs), *scenes(ours, theirs)):
        print(line)


def overlap(one: Pixels, other: Pixels) -> float:
    """Returns the intersection over union of the more than half covered pixels; 1 when there are none."""
    both, either = ((one > 127) & (other > 127)).sum(), ((one > 127) | (other > 127)).sum()
    return float(both / either) if either else 1.0


def whole(ours: nn.Module, cache: Path) -> Iterator[str]:
    known = labelled(cache)
    unseen = known.where(known.held_out)
    for name, some in (("all", unseen), ("teacher sure", unseen.sure())):
        found = [
            overlap(opacity(ours, KIND, pixels), alpha)
            for pixels, alpha in zip(some.pixels, some.opacities, strict=True)
        ]
        yield f"| portraits of people held out, {name} | {_summary(found)} |"


def coloured(ours: nn.Module, theirs: nn.Module) -> Iterator[str]:
    taken: dict[str, list[Pixels]] = {}
    for person, _, pixels in portraits():
        tint = np.abs(pixels[..., 0].astype(int) - pixels[..., 2]).mean()
        unseen = is_held_out(person) or not is_labelled(person)
        if unseen and tint > COLOURED and len(taken.setdefault(person, [])) < MOST:
            taken[person].append(pixels)
    found = [
        overlap(opacity(ours, KIND, pixels), opacity(theirs, SINET_KIND, pixels))
        for each in taken.values()
        for pixels in each
    ]
    yield f"| coloured portraits of {len(taken)} people never seen | {_summary(found)} |"


def scenes(ours: nn.Module, theirs: nn.Module) -> Iterator[str]:
    weights = Store.of(Settings.read()).resolve(find("human_image_segmentation"), "lite")
    persons, faces = FastestDet.load(weights, "cpu"), FaceDetector.load(weights, "cpu")
    pair = [
        Segmenter(persons, faces, compile(lambda: network, _example(kind), device="cpu"), kind)  # noqa: B023
        for network, kind in ((ours, KIND), (theirs, SINET_KIND))
    ]
    for name, pixels in photographs().items():
        mine, wanted = (cut(segmenter, pixels) for segmenter in pair)
        yield f"| {name} | {overlap(mine, wanted):.3f}; covers {(mine > 127).mean():.3f} |"


def cut(segmenter: Segmenter, pixels: Pixels) -> Pixels:
    small = shrunk(pixels)
    (patches,) = segmenter.segment([small])
    return joined(pixels, patches, pixels.shape[1] / small.shape[1], segmenter.kind.radius)


def photographs() -> dict[str, Pixels]:
    """Returns photographs of one person, of groups, and of nobody, by name."""
    found = {f"skimage {name}": getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee")}
    for file in sorted((SHARED / "images/objects").glob("*.jpg")):
        found[f"objects/{file.name}"] = Media().decode(file.read_bytes())
    return found


def _example(kind: Kind) -> Floats:
    return np.zeros((kind.batch, 3, kind.side, kind.side), np.float32)


def _summary(found: list[float]) -> str:
    mean, median, low = np.mean(found), np.median(found), np.quantile(found, 0.1)
    return f"{mean:.3f}; median {median:.3f}, 10th percentile {low:.3f}, of {len(found)}"


if __name__ == "__main__":
    main()
