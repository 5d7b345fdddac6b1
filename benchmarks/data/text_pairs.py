"""120 pairs of Chinese sentences, written for this project, and graded as in the STS tasks.

The grades are 5: the same meaning. 4: the same, except for a detail that differs. 3: alike, but something
important differs. 2: different statements about one subject. 1: little is shared. 0: nothing is shared.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scipy.stats import spearmanr  # type: ignore[import-untyped]


class Pair(NamedTuple):
    """Two sentences and their grade, 0 to 5."""

    grade: int
    first: str
    second: str


def _read(line: str) -> Pair:
    grade, first, second = line.split("\t")
    return Pair(int(grade), first, second)


PAIRS = [_read(line) for line in Path(__file__).with_suffix(".tsv").read_text("utf-8").splitlines()]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Returns the rank correlation of two series, -1 to 1."""
    return float(spearmanr(first, second).statistic)
