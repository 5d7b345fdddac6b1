"""The fastest callable for a network on the device at hand.

CPU: OpenVINO; where it is not installed, torch eager.
CUDA: fp16, channels last, CUDA graphs for shapes that repeat.
"""

import ctypes
import importlib.util
import math
import os
import re
import shutil
import tempfile
import threading
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import openvino
    import torch

Array = NDArray[Any]
Outputs = tuple[NDArray[np.float32], ...]
R = TypeVar("R")


class Executor(ABC):
    """A network ready to run. Thread-safe: concurrent callers wait for each other."""

    @abstractmethod
    def __call__(self, array: Array) -> Outputs:
        """Outputs for one input, batch axis first, on all threads of the device."""

    def map(self, arrays: Iterable[Array], then: Callable[[Outputs], R]) -> list[R]:
        """`then` of the outputs of every input, in order; shapes may differ.

        Inputs are taken one by one while earlier ones are computed, so that preparing them in a generator
        and digesting outputs in `then` cost no extra time. `then` must neither call the executor nor keep
        the outputs, whose memory the next input overwrites.
        """
        return [then(self(array)) for array in arrays]


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
        return _Eager(network())
    return _OpenVINO(_intermediate(network, example, cache), bf16=bf16)


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


def cpu_count(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs of this process: its affinity, at most the container's quota (cgroup v2 or v1), at least 1."""
    quota = float(os.cpu_count() or 1)
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):  # v2, v1
        with suppress(OSError, ValueError):  # no such file, or "max": no limit
            limit, period = " ".join((cgroup / file).read_text() for file in files).split()
            quota = int(limit) / int(period) if int(limit) > 0 else quota  # v1: -1 is no limit
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(quota)))


class _Eager(Executor):
    def __init__(self, module: "torch.nn.Module") -> None:
        import torch

        self._torch, self._lock = torch, threading.Lock()
        self._module = module.eval().to(memory_format=torch.channels_last)
        torch.set_num_threads(cpu_count())

    def __call__(self, array: Array) -> Outputs:
        with self._lock, self._torch.inference_mode():
            tensor = channels_last(self._torch.from_numpy(np.ascontiguousarray(array)))
            return tuple(output.float().numpy() for output in as_tuple(self._module(tensor)))


class _OpenVINO(Executor):
    """One stream on all threads, and two requests: while one is computed, the other is filled or read."""

    def __init__(self, model: "openvino.Model", *, bf16: bool) -> None:
        import openvino

        _keep_heap_compact()
        core = openvino.Core()
        bf16 = bf16 and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        settings: dict[str, Any] = {
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": cpu_count(),
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            "ENABLE_CPU_PINNING": False,  # other processes of the container need the same cores
            "CPU_RUNTIME_CACHE_CAPACITY": 1000,  # kernels kept; by default those of some fifty input shapes
        }
        compiled = core.compile_model(model, "CPU", settings)
        self._tensor, self._lock = openvino.Tensor, threading.Lock()
        self._requests = [compiled.create_infer_request() for _ in range(2)]

    def __call__(self, array: Array) -> Outputs:
        return self.map([array], lambda outputs: tuple(output.copy() for output in outputs))[0]

    def map(self, arrays: Iterable[Array], then: Callable[[Outputs], R]) -> list[R]:
        results: list[R] = []
        busy: deque[tuple[openvino.InferRequest, Array]] = deque()  # inputs are held: they are read in place

        def finish() -> None:
            request, _ = busy.popleft()
            request.wait()
            results.append(then(tuple(tensor.data for tensor in request.output_tensors)))

        with self._lock:
            try:
                for request, array in zip(cycle(self._requests), arrays, strict=False):
                    if len(busy) == len(self._requests):
                        finish()
                    busy.append((request, np.ascontiguousarray(array)))
                    request.set_input_tensor(self._tensor(busy[-1][1], shared_memory=True))
                    request.start_async()
                while busy:
                    finish()
            finally:
                for request, _ in busy:  # after an error
                    with suppress(RuntimeError):
                        request.wait()
        return results


def _keep_heap_compact() -> None:
    """Hand every block above 4 MiB back to the system when it is freed.

    glibc raises this limit by itself; then every new input shape leaves up to 100 MB in the heap.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD


def _intermediate(
    network: Callable[[], "torch.nn.Module"], example: Array, cache: Path | None
) -> "openvino.Model":
    """The network as OpenVINO's model, from the folder beside `cache` or converted and saved there."""
    import openvino

    if cache is None:
        return _converted(network(), example)
    folder = cache.with_name(f"{cache.name}.openvino-{openvino.__version__.partition('-')[0]}-f32")
    with suppress(RuntimeError):  # missing, or damaged
        return openvino.Core().read_model(folder / "model.xml")
    model = _converted(network(), example)
    with suppress(OSError):  # a folder that cannot be written, or another process was first
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent, ignore_cleanup_errors=True) as scratch:
            made = Path(scratch) / "model"
            openvino.save_model(model, made / "model.xml", compress_to_fp16=False)
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    return model


_TRACER = threading.Lock()  # torch traces one module at a time


def _converted(module: "torch.nn.Module", example: Array) -> "openvino.Model":
    # Not openvino.convert_model: that one reports every use to a statistics server.
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    frontend = FrontEndManager().load_by_framework("pytorch")
    with _TRACER, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, on shapes that are fixed by design
        traced = TorchScriptPythonDecoder(
            module.eval(), example_input=(torch.from_numpy(example),), shared_memory=False
        )
        return frontend.convert(frontend.load(traced))


def channels_last(tensor: "torch.Tensor") -> "torch.Tensor":
    return tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def as_tuple(outputs: Any) -> "tuple[torch.Tensor, ...]":
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
