"""Text recognition: upright crops of lines, batches of equal width, and the decoding of the logits."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

HEIGHT = 48
TALL = 1.5  # height / width; a line that is at least this tall is turned counter-clockwise
WIDTH_STEP = 32
MARGIN = 16  # empty columns after a line, at least; without them the last character is sometimes doubled
MAX_WIDTH = 3200


class ScoredText(NamedTuple):
    """The text of a line. score: 0 to 1; the recogniser's is the mean probability of the characters."""

    text: str
    score: float


def crop(image: Pixels, polygon: Floats, min_height: int = 1) -> Pixels:
    """Cuts out the quadrangle `polygon`, (4, 2) clockwise from top-left, as an upright line, at least 1x1 px.

    min_height: px; a lower line is enlarged to this height.
    """
    sides = np.linalg.norm(polygon - np.roll(polygon, -1, axis=0), axis=1)  # top, right, bottom, left
    sides *= max(1, min_height / max(1, sides[1], sides[3]))
    width, height = max(1, int(max(sides[0], sides[2]))), max(1, int(max(sides[1], sides[3])))
    target = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    matrix = cv2.getPerspectiveTransform(polygon.astype(np.float32), target)
    line = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return cast(Pixels, np.rot90(line) if height >= TALL * width else line)


def fit(line: Pixels) -> Pixels:
    """Scales `line` to the network's height, with a width of at most MAX_WIDTH."""
    width = min(MAX_WIDTH, math.ceil(HEIGHT * line.shape[1] / line.shape[0]))
    return cast(Pixels, cv2.resize(line, (width, HEIGHT)))


def padded_width(width: int) -> int:
    """Returns the width to which a line is padded.

    It depends on this line only, so that the other lines of a batch cannot change the line's text.
    """
    return math.ceil((width + MARGIN) / WIDTH_STEP) * WIDTH_STEP


def batches(widths: Iterable[int], columns: int) -> list[list[int]]:
    """Groups the indices of lines with the same padded width into batches, widest first.

    columns: maximum total width of a batch. A batch has at least one line.
    """
    buckets: dict[int, list[int]] = defaultdict(list)
    for index, width in enumerate(widths):
        buckets[padded_width(width)].append(index)
    return [
        bucket[start : start + max(1, columns // width)]
        for width, bucket in sorted(buckets.items(), reverse=True)
        for start in range(0, len(bucket), max(1, columns // width))
    ]


def network_input(lines: Sequence[Pixels]) -> Floats:
    """(48, W, 3) RGB lines with one padded width -> (N, 3, 48, padded) BGR in [-1, 1], 0 in the padding."""
    batch = np.zeros((len(lines), 3, HEIGHT, padded_width(lines[0].shape[1])), np.float32)
    for row, line in zip(batch, lines, strict=True):
        row[:, :, : line.shape[1]] = cv2.dnn.blobFromImage(line, 1 / 127.5, mean=(127.5,) * 3, swapRB=True)[0]
    return batch


def decode(logits: Floats, characters: Sequence[str]) -> list[ScoredText]:
    """Greedy CTC decoding: takes the most probable class of each step and merges repeats.

    logits: (N, T, classes); class 0 is the blank. The softmax is computed only where a character results.
    Paper: https://doi.org/10.1145/1143844.1143891.
    """
    best = logits.argmax(axis=2)
    kept = best != 0
    kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    texts = []
    for row, classes, steps in zip(logits, best, kept, strict=True):
        relative = row[steps]
        relative -= relative.max(axis=1, keepdims=True)
        scores = 1 / np.exp(relative, out=relative).sum(axis=1)
        text = "".join(characters[index] for index in classes[steps])
        texts.append(ScoredText(text, float(scores.mean()) if scores.size else 0.0))
    return texts
