"""What the text says: upright crops of lines, batches of equal width, and the decoding of the logits."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

Text = tuple[str, float]
"""A line's text and the mean probability of its characters."""

HEIGHT = 48
TALL = 1.5  # height / width from which a line is read from bottom to top
WIDTH_STEP = 32
MARGIN = 16  # empty columns at least; without them the last character is sometimes doubled
MAX_WIDTH = 3200


def crop(image: Pixels, polygon: Floats, min_height: int = 1) -> Pixels:
    """The quadrangle `polygon`, (4, 2) clockwise from top-left, as an upright line of at least 1x1 px.

    min_height: px, enlarged to it if need be.
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
    """`line` scaled to the network's height; its width at most MAX_WIDTH."""
    width = min(MAX_WIDTH, math.ceil(HEIGHT * line.shape[1] / line.shape[0]))
    return cast(Pixels, cv2.resize(line, (width, HEIGHT)))


def padded_width(width: int) -> int:
    """Width at which a line is read: its own affair, so that neighbours in a batch cannot change its text."""
    return math.ceil((width + MARGIN) / WIDTH_STEP) * WIDTH_STEP


def batches(widths: Iterable[int], columns: int) -> list[list[int]]:
    """Indices of lines of one padded width, `columns` or one line at most per batch; widest first."""
    buckets: dict[int, list[int]] = defaultdict(list)
    for index, width in enumerate(widths):
        buckets[padded_width(width)].append(index)
    return [
        bucket[start : start + max(1, columns // width)]
        for width, bucket in sorted(buckets.items(), reverse=True)
        for start in range(0, len(bucket), max(1, columns // width))
    ]


def network_input(lines: Sequence[Pixels]) -> Floats:
    """(48, W, 3) RGB lines of one padded width -> (N, 3, 48, padded) BGR in [-1, 1], 0 beyond the line."""
    batch = np.zeros((len(lines), 3, HEIGHT, padded_width(lines[0].shape[1])), np.float32)
    for row, line in zip(batch, lines, strict=True):
        row[:, :, : line.shape[1]] = cv2.dnn.blobFromImage(line, 1 / 127.5, mean=(127.5,) * 3, swapRB=True)[0]
    return batch


def decode(logits: Floats, characters: Sequence[str]) -> list[Text]:
    """Greedy CTC. logits: (N, T, classes), class 0 the blank -> the likeliest class per step, repeats merged.

    The softmax is taken only where a character is kept. Paper: https://doi.org/10.1145/1143844.1143891.
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
        texts.append((text, float(scores.mean()) if scores.size else 0.0))
    return texts
