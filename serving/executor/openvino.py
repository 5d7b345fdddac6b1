"""Runs networks in OpenVINO on a CPU."""

import ctypes
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from serving.arrays import Array
from serving.files import replacing

from .base import Executor, Outputs, cpu_count

if TYPE_CHECKING:
    import openvino
    import torch

C = TypeVar("C")
R = TypeVar("R")


class OpenVINOExecutor(Executor):
    """Runs one stream on all threads with two requests. One is computed while the other is filled or read."""

    def __init__(self, model: "openvino.Model", *, bf16: bool) -> None:
        import openvino

        _keep_heap_compact()
        core = openvino.Core()
        bf16 = bf16 and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        settings: dict[str, Any] = {
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": cpu_count(),
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            "ENABLE_CPU_PINNING": False,  # other processes of the container use the same cores
            "CPU_RUNTIME_CACHE_CAPACITY": 1000,  # kernels; the default is enough for some fifty input shapes
        }
        compiled = core.compile_model(model, "CPU", settings)
        self._tensor, self._lock = openvino.Tensor, threading.Lock()
        self._requests = [compiled.create_infer_request() for _ in range(2)]

    def __call__(self, array: Array) -> Outputs:
        return self.map([array], lambda outputs: tuple(output.copy() for output in outputs))[0]

    def map_with(self, inputs: Iterable[tuple[Array, C]], then: Callable[[Outputs, C], R]) -> list[R]:
        results: list[R] = []
        # each input is referenced until its request is done, because the request reads its memory
        busy: deque[tuple[openvino.InferRequest, Array, C]] = deque()

        def finish() -> None:
            request, _, context = busy.popleft()
            request.wait()
            results.append(then(tuple(tensor.data for tensor in request.output_tensors), context))

        with self._lock:
            try:
                for request, (array, context) in zip(cycle(self._requests), inputs, strict=False):
                    if len(busy) == len(self._requests):
                        finish()
                    contiguous = np.ascontiguousarray(array)
                    busy.append((request, contiguous, context))
                    request.set_input_tensor(self._tensor(contiguous, shared_memory=True))
                    request.start_async()
                while busy:
                    finish()
            finally:
                for request, _, _ in busy:  # some are left after an error
                    with suppress(RuntimeError):
                        request.wait()
        return results


def _keep_heap_compact() -> None:
    """Makes glibc return every block above 4 MiB to the system when the block is freed.

    Otherwise glibc raises this limit by itself, and every new input shape leaves up to 100 MB in the heap.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD


def intermediate(
    network: Callable[[], "torch.nn.Module"], example: Array, cache: Path | None
) -> "openvino.Model":
    """Returns the network as OpenVINO's model.

    The model is read from the folder next to `cache`, or converted and saved there.
    """
    import openvino

    if cache is None:
        return _converted(network(), example)
    folder = cache.with_name(f"{cache.name}.openvino-{openvino.__version__.partition('-')[0]}-f32")
    with suppress(RuntimeError):  # missing, or damaged
        return openvino.Core().read_model(folder / "model.xml")
    model = _converted(network(), example)
    # it is no fault when the folder is not writable, or when another process has just written it
    with suppress(OSError), replacing(folder) as part:
        openvino.save_model(model, part / "model.xml", compress_to_fp16=False)
    return model


_TRACER = threading.Lock()  # torch traces one module at a time


def _converted(module: "torch.nn.Module", example: Array) -> "openvino.Model":
    # openvino.convert_model is not used, because it reports every use to a statistics server.
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    frontend = FrontEndManager().load_by_framework("pytorch")
    with _TRACER, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about shapes that are fixed by design
        traced = TorchScriptPythonDecoder(
            module.eval(), example_input=(torch.from_numpy(example),), shared_memory=False
        )
        return frontend.convert(frontend.load(traced))
