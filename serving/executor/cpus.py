"""How many CPUs this process may use."""

import math
import os
from contextlib import suppress
from pathlib import Path


def cpu_count(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs of this process: its affinity, at most the container's quota (cgroup v2 or v1), at least 1."""
    quota = float(os.cpu_count() or 1)
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):  # v2, v1
        with suppress(OSError, ValueError):  # no such file, or "max": no limit
            limit, period = " ".join((cgroup / file).read_text() for file in files).split()
            quota = int(limit) / int(period) if int(limit) > 0 else quota  # v1: -1 is no limit
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(quota)))
