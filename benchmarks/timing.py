"""Measures how long a call takes."""

import time
from collections.abc import Callable


def median_ms(work: Callable[[], object], runs: int) -> float:
    """Returns the median duration of several calls, in milliseconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[runs // 2]
