"""The interface of executors, and the functions that several of them share."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from serving.arrays import Array, Floats

if TYPE_CHECKING:
    import torch

Outputs = tuple[Floats, ...]
C = TypeVar("C")
R = TypeVar("R")


class Executor(ABC):
    """A network that is ready to run. It is thread-safe: concurrent callers wait for each other."""

    @abstractmethod
    def __call__(self, array: Array) -> Outputs:
        """Returns the outputs for one input, batch axis first. It uses all threads of the device."""

    def map(self, arrays: Iterable[Array], then: Callable[[Outputs], R]) -> list[R]:
        """Returns `then(outputs)` for every input, in order; see `map_with` for the rules."""
        return self.map_with(((array, None) for array in arrays), lambda outputs, _: then(outputs))

    def map_with(self, inputs: Iterable[tuple[Array, C]], then: Callable[[Outputs, C], R]) -> list[R]:
        """Returns `then(outputs, context)` for every input, in order. Shapes may differ.

        inputs: arrays, each with a context that is passed to `then` together with the outputs.
        The executor takes the next input while it computes an earlier one. It therefore costs no extra time
        to prepare inputs in a generator and to read outputs in `then`. `then` must neither call the executor
        nor store the outputs, because the next input overwrites their memory.
        """
        return [then(self(array), context) for array, context in inputs]


def cpu_count(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Returns the number of CPUs that this process may use, at least 1.

    It is the process's affinity, limited by the container's quota in cgroup v2 or v1.
    """
    quota = float(os.cpu_count() or 1)
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):  # v2, v1
        with suppress(OSError, ValueError):  # the file is missing, or says "max" for no limit
            limit, period = " ".join((cgroup / file).read_text() for file in files).split()
            quota = int(limit) / int(period) if int(limit) > 0 else quota  # v1 says -1 for no limit
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(quota)))


def channels_last(tensor: "torch.Tensor") -> "torch.Tensor":
    return tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def as_tuple(outputs: Any) -> "tuple[torch.Tensor, ...]":
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
