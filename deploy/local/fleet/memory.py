"""How much memory processes take."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

_MB = 1 << 20


def resident_mb(roots: Iterable[int]) -> dict[int, float]:
    """Resident memory of each of these processes with all that they have started, by id."""
    sums = dict.fromkeys(roots, 0.0)
    parents = {process.pid: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
    for pid in parents:
        root = pid
        while root and root not in sums:
            root = parents.get(root, 0)
        if root:
            with suppress(psutil.Error):  # it has just ended
                sums[root] += psutil.Process(pid).memory_info().rss / _MB
    return sums
