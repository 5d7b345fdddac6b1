"""Runs networks in torch on a CPU, for installations without OpenVINO."""

import threading
from typing import TYPE_CHECKING

import numpy as np

from serving.arrays import Array

from .base import Executor, Outputs, as_tuple, channels_last, cpu_count

if TYPE_CHECKING:
    import torch


class EagerExecutor(Executor):
    """Runs the module unchanged, in float32."""

    def __init__(self, module: "torch.nn.Module") -> None:
        import torch

        self._torch, self._lock = torch, threading.Lock()
        self._module = module.eval().to(memory_format=torch.channels_last)
        torch.set_num_threads(cpu_count())

    def __call__(self, array: Array) -> Outputs:
        with self._lock, self._torch.inference_mode():
            tensor = channels_last(self._torch.from_numpy(np.ascontiguousarray(array)))
            return tuple(output.float().numpy() for output in as_tuple(self._module(tensor)))
