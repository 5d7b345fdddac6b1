"""120 pairs of Chinese sentences, written for this project, and graded as in the STS tasks.

5: the same. 4: the same but for a detail. 3: alike, but something important differs. 2: other things about
one subject. 1: little in common. 0: nothing in common.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scipy.stats import spearmanr  # type: ignore[import-untyped]


class Pair(NamedTuple):
    """grade: 0 to 5."""

    grade: int
    first: str
    second: str


def _read(line: str) -> Pair:
    grade, first, second = line.split("\t")
    return Pair(int(grade), first, second)


PAIRS = [_read(line) for line in Path(__file__).with_suffix(".tsv").read_text("utf-8").splitlines()]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation, -1 to 1."""
    return float(spearmanr(first, second).statistic)
