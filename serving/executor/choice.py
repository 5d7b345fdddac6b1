"""Chooses the fastest executor for a network on the available device.

CPU: OpenVINO, or eager torch when OpenVINO is not installed.
CUDA: fp16, channels last, CUDA graphs for shapes that repeat.
"""

import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from serving.arrays import Array

from .base import Executor

if TYPE_CHECKING:
    import torch


def compile(  # noqa: PLR0913  (a class of options would only move the arguments)
    network: Callable[[], "torch.nn.Module"],
    example: Array,
    *,
    device: str = "auto",
    cache: Path | None = None,
    bf16: bool = False,
    warm_up: Iterable[tuple[int, ...]] = (),
) -> Executor:
    """Returns an executor of the module that `network` builds.

    network: called only when `cache` does not contain the compiled network.
    example: a small input with the right rank, dtype and fixed dimensions; other dimensions are dynamic.
    device: auto, cpu, cpu-eager, cuda or cuda:N.
    cache: path without suffix, specific to the weights. When its folder is not writable, the next
    start converts the network again. bf16: computes in bfloat16 when the CPU supports it.
    warm_up: input shapes for which a GPU captures its graphs now.
    Raises ValueError for a device that is unknown or missing.
    """
    device = resolve_device(device)
    if device.startswith("cuda"):
        from .cuda import CudaExecutor

        return CudaExecutor(network(), example, device, warm_up)
    if device == "cpu-eager" or importlib.util.find_spec("openvino") is None:
        from .eager import EagerExecutor

        return EagerExecutor(network())
    from .openvino import OpenVINOExecutor, intermediate

    return OpenVINOExecutor(intermediate(network, example, cache), bf16=bf16)


def resolve_device(device: str) -> str:
    """Returns cpu, cpu-eager or cuda:N. It imports torch only when the machine has an NVIDIA device.

    Raises ValueError for a device that is unknown or missing.
    """
    if not re.fullmatch(r"auto|cpu|cpu-eager|cuda(:\d+)?", device):
        raise ValueError(f"device: {device!r}, must be auto, cpu, cpu-eager, cuda or cuda:N")
    if device.startswith("cpu"):
        return device
    count = 0
    if any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists():
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda:0" if count else "cpu"
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise ValueError(f"device: {device!r}, but {count} CUDA devices are usable")
    return f"cuda:{index}"
