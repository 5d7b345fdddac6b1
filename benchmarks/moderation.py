"""Measures pornography_detection: `python -m benchmarks.moderation`. Prints Markdown.

`AIKIT_PROFILE=large` measures the profile large.

It measures false alarms among normal pictures and among changed ones, methods of resizing, and time. No
explicit pictures are available, so it cannot measure how many of them are missed.
"""

import io
import sys
import tarfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import skimage.data
import torch
from PIL import Image

from benchmarks.timing import median_ms
from containers.pornography_detection.classifier import Classifier
from serving.arrays import Doubles, Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

Change = Callable[[Pixels], Pixels]

SHARED = Path(__file__).parents[2] / "shared"
RUNS = 25  # of each call whose time is measured
SCIKIT_IMAGE = """
astronaut cat coffee rocket camera coins moon page text clock horse hubble_deep_field immunohistochemistry
retina brick grass gravel logo colorwheel microaneurysms cell
"""
FOLDERS = ("images/objects", "images/ocr", "images/plate", "training/photos")
SKIN = ((255, 224, 196), (238, 207, 180), (224, 172, 140), (198, 134, 66), (141, 85, 36), (90, 56, 37))


def main() -> None:
    feature = find("pornography_detection")
    classifier = Classifier.load(resolve(feature, Settings.read()), "cpu")
    for part in (false_alarms, resizing, times):
        sys.stdout.writelines(f"{line}\n" for line in part(classifier))


def false_alarms(classifier: Classifier) -> Iterator[str]:
    """Measures for sets of normal pictures how many are not classified as normal."""
    yield "| pictures | count | `normal` < 0.5 | `porn` >= 0.5 | >= 0.8 | `sexy` >= 0.5 | mean `normal` |"
    yield "|---" * 7 + "|"
    for name, pictures in sets().items():
        found = verdicts(classifier, map(classifier.squeezed, pictures))
        if len(found):
            normal, sexy, porn = found.T
            shares = (one.mean() for one in (normal < 0.5, porn >= 0.5, porn >= 0.8, sexy >= 0.5))
            rates = " | ".join(f"{share:.1%}" for share in shares)
            yield f"| {name} | {len(found)} | {rates} | {normal.mean():.3f} |"


def sets() -> Mapping[str, Iterable[Pixels]]:
    """Returns the sets by name. A set is empty when its files do not exist."""
    changes: dict[str, Change] = {
        "enlarged four times": lambda one: _resized(one, 4, cv2.INTER_CUBIC),
        "blurred, sigma 3 px": lambda one: cast(Pixels, cv2.GaussianBlur(one, (0, 0), 3)),
        "their middle, half as wide": lambda one: one[
            len(one) // 4 : -(len(one) // 4), one.shape[1] // 4 : -(one.shape[1] // 4)
        ],
    }
    photographs = list(_photographs())
    return {
        "photographs": photographs,
        "the same in grey": [
            np.repeat(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)[..., None], 3, 2) for one in photographs
        ],
        "the same on their side": [np.rot90(one).copy() for one in photographs],
        "portraits": list(_portraits(11)),
        **{f"portraits, {name}": map(change, _portraits(44)) for name, change in changes.items()},
        "clothes": _clothes(8),
        "skin colours, flat": [np.full((300, 300, 3), tone, np.uint8) for tone in SKIN],
        "skin colours with noise": list(map(_noisy, SKIN)),
    }


def resizing(classifier: Classifier) -> Iterator[str]:
    """Compares methods of resizing to the side of the network's input.

    The last columns tell how much the scores change when large photographs lose a few rows and columns.
    """
    size = classifier.kind.side, classifier.kind.side
    ways: dict[str, Change] = {
        "area (ours)": classifier.squeezed,
        "bilinear, corners aligned (nsfwjs)": partial(_aligned, size=size),
        "nearest": lambda one: cast(Pixels, cv2.resize(one, size, interpolation=cv2.INTER_NEAREST)),
        "bicubic, antialiased": lambda one: np.asarray(Image.fromarray(one).resize(size)),
    }
    photographs, portraits = list(_photographs()), list(_portraits(22))
    large = [one for one in photographs if min(one.shape[:2]) >= 600]
    yield from (
        "",
        "| resizing | photographs < 0.5 | portraits < 0.5 | change after 1, 3, 5 px: mean | largest |",
        "|---" * 5 + "|",
    )
    for name, way in ways.items():
        judged = partial(_judged, classifier, way)
        low = [int((judged(pictures)[:, 0] < 0.5).sum()) for pictures in (photographs, portraits)]
        before = judged(large)
        moved = np.stack([abs(judged([one[by:, by:] for one in large]) - before).max(1) for by in (1, 3, 5)])
        yield (
            f"| {name} | {low[0]} of {len(photographs)} | {low[1]} of {len(portraits)} "
            f"| {moved.mean():.3f} | {moved.max():.3f} |"
        )


def times(classifier: Classifier) -> Iterator[str]:
    square = np.zeros((classifier.kind.side, classifier.kind.side, 3), np.uint8)
    large = np.zeros((3072, 4096, 3), np.uint8)
    one, eight = (median_ms(partial(classifier.classify, [square] * count), RUNS) for count in (1, 8))
    yield f"\nnetwork, one: {one:.1f} ms"
    yield f"network, eight together: {eight / 8:.1f} ms each"
    for picture in (large[:480, :640], large):
        duration = median_ms(partial(classifier.squeezed, picture), RUNS)
        yield f"squeezing {picture.shape[1]}x{picture.shape[0]}: {duration:.1f} ms"


def verdicts(classifier: Classifier, squares: Iterable[Pixels]) -> Doubles:
    """Returns (N, 3) scores of normal, sexy and porn."""
    total = classifier.kind.total
    rows = (classifier.classify([square])[0] for square in squares)
    return np.array([[total(one, row) for one in ("normal", "sexy", "porn")] for row in rows])


def _judged(classifier: Classifier, way: Change, pictures: Iterable[Pixels]) -> Doubles:
    return verdicts(classifier, map(way, pictures))


def _photographs() -> Iterator[Pixels]:
    for name in SCIKIT_IMAGE.split():
        try:
            pixels = np.asarray(getattr(skimage.data, name)())
        except (ImportError, OSError):  # the package lacks the file, and pooch or the network is missing
            continue
        pixels = 255 * pixels.astype(np.uint8) if pixels.dtype == bool else pixels
        yield np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else pixels[..., :3].copy()
    for file in sorted(file for folder in FOLDERS for file in (SHARED / folder).glob("*.jpg")):
        yield Media().decode(file.read_bytes())


def _portraits(step: int) -> Iterator[Pixels]:
    """Yields every `step`-th portrait."""
    file = SHARED / "training" / "portraits.tar"
    if file.is_file():
        with tarfile.open(file) as archive:
            for member in [one for one in archive.getmembers() if one.isfile()][::step]:
                yield Media().decode((archive.extractfile(member) or io.BytesIO()).read())


def _clothes(step: int) -> Iterator[Pixels]:
    """Yields every `step`-th picture of clothes, most of them without a person."""
    for file in sorted((SHARED / "custom_labels/clothing").rglob("*.jpg"))[::step]:
        yield Media().decode(file.read_bytes())


def _noisy(tone: tuple[int, ...]) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 8, (300, 300, 3))
    return np.clip(np.array(tone) + noise, 0, 255).astype(np.uint8)


def _resized(picture: Pixels, factor: float, how: int) -> Pixels:
    return cast(Pixels, cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how))


def _aligned(picture: Pixels, size: tuple[int, int]) -> Pixels:
    tensor = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    found = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=True)
    return np.ascontiguousarray(found[0].permute(1, 2, 0).round().byte().numpy())


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-image warns of pictures that it moved to another place
        main()
