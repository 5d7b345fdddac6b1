"""Measures image_similarity: `python -m benchmarks.near_duplicates [PHOTOGRAPH OR FOLDER ...]`.

Photographs are changed in many ways, and each changed one is searched for among all originals. The
photographs are those of scikit-image and of the arguments. Large ones are cut into pieces that do not
overlap. Other pieces of the same photograph are ignored, because they may show the same sky. Prints Markdown.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from skimage import data

from benchmarks.data.changes import CHANGES
from benchmarks.timing import median_ms
from containers.image_similarity.embedder import Embedder
from serving.arrays import Flags, Floats, Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import resolve

LIMITS = (0.8, 0.85, 0.9)
"""Thresholds of similarity. 1 in 1,000 pairs of unrelated pictures reach the first one.

These pairs are not measured here. The other thresholds were set when the results were known.
"""
PIECE = 512  # px, about
FLAT = 12  # deviation of the brightness below which a piece is left out, because it shows nothing
RUNS = 31  # of each call whose time is measured
BUNDLED = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock", "coffee", "coins", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "retina", "rocket"),
)


class Picture(NamedTuple):
    """Pixels with their origin. source: the photograph that they come from, whole or as a piece."""

    image: Pixels
    source: str


def main() -> None:
    settings = Settings.read()
    embedder = Embedder.load(resolve(find("image_similarity"), settings), settings.device)
    pictures = [*_bundled(), *(piece for name in sys.argv[1:] for piece in _pieces(Path(name)))]
    sources = np.array([picture.source for picture in pictures])
    other = sources[:, None] != sources
    originals = _embedded(embedder, [picture.image for picture in pictures])
    lines = [_unrelated(originals, other, len(set(sources))), "", _HEAD]
    every = []
    for name, change in CHANGES.items():
        changed = _embedded(embedder, [np.ascontiguousarray(change(picture.image)) for picture in pictures])
        similarities = (1 + changed @ originals.T) / 2
        every.append(np.column_stack((similarities.diagonal(), np.where(other, similarities, 0))))
        lines.append(_row(name, every[-1]))
    lines.append(_row("**all**", np.concatenate(every)))
    sys.stdout.writelines(f"{line}\n" for line in (*lines, *_times(embedder, pictures[0].image)))


def _bundled() -> Iterator[Picture]:
    for name in BUNDLED:
        image = getattr(data, name)()
        yield Picture(image[..., :3] if image.ndim == 3 else np.dstack([image] * 3), name)


def _pieces(path: Path) -> Iterator[Picture]:
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        image = Media().decode(file.read_bytes())
        for strip in np.array_split(image, max(1, image.shape[0] // PIECE)):
            for piece in np.array_split(strip, max(1, image.shape[1] // PIECE), 1):
                if cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY).std() >= FLAT:
                    yield Picture(np.ascontiguousarray(piece), file.name)


def _embedded(embedder: Embedder, images: list[Pixels]) -> Floats:
    views = [embedder.view(image) for image in images]
    return np.concatenate([embedder.embed(views[start : start + 8]) for start in range(0, len(views), 8)])


def _unrelated(vectors: Floats, other: Flags, sources: int) -> str:
    similarities = ((1 + vectors @ vectors.T) / 2)[other]
    low, middle, high = np.quantile(similarities, (0.01, 0.5, 0.99))
    return (
        f"{len(vectors)} pictures of {sources} photographs. Pairs of different photographs: similarity "
        f"median {middle:.2f}, 98 % from {low:.2f} to {high:.2f}, highest {similarities.max():.2f}; "
        + ", ".join(f"{(similarities >= limit).mean():.2%} reach {limit}" for limit in LIMITS)
    )


_HEAD = """\
| change | similarity | recall, precision at 0.8 | at 0.85 | at 0.9 | found first |
|---|---|---|---|---|---|"""


def _row(name: str, similarities: Floats) -> str:
    """Formats one change. similarities: (queries, 1 + others), first that of the right picture."""
    own, others = similarities[:, 0], similarities[:, 1:]
    cells = []
    for limit in LIMITS:
        right, wrong = (own >= limit).sum(), (others >= limit).sum()
        cells.append(f"{right / len(own):.1%}, {right / max(1, right + wrong):.1%}")
    first = (own > others.max(1)).mean()
    return f"| {name} | {np.median(own):.3f} | {' | '.join(cells)} | {first:.1%} |"


def _times(embedder: Embedder, image: Pixels) -> Iterator[str]:
    views = [embedder.view(image)] * 8
    yield ""
    duration = median_ms(partial(embedder.view, image), RUNS)
    yield f"view of {image.shape[1]}x{image.shape[0]} px: {duration:.1f} ms"
    yield f"vector, one at a time: {median_ms(partial(embedder.embed, views[:1]), RUNS):.1f} ms"
    yield f"vector, eight at a time: {median_ms(partial(embedder.embed, views), RUNS) / 8:.1f} ms each"


if __name__ == "__main__":
    main()
