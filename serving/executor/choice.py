"""The fastest callable for a network on the device at hand.

CPU: OpenVINO; where it is not installed, torch eager.
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


def compile(  # noqa: PLR0913  (each is a fact of the call; an options class would only move them)
    network: Callable[[], "torch.nn.Module"],
    example: Array,
    *,
    device: str = "auto",
    cache: Path | None = None,
    bf16: bool = False,
    warm_up: Iterable[tuple[int, ...]] = (),
) -> Executor:
    """Executor of the module `network` builds, which is called only when `cache` has no artefact of it.

    example: a small input of the right rank, dtype and fixed dimensions; all others stay dynamic.
    device: auto, cpu, cpu-eager, cuda or cuda:N. cache: path without suffix, already specific to the weights;
    a folder that cannot be written only means that the next start converts again.
    bf16: compute in bfloat16 where the CPU has it. warm_up: input shapes for which a GPU captures its graphs
    now. Raises ValueError for a device that is unknown or missing.
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
    """cpu, cpu-eager or cuda:N; torch is imported only where the machine shows an NVIDIA device."""
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
