"""Runs networks on an NVIDIA GPU: fp16, channels last, CUDA graphs for shapes that repeat."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from serving.arrays import Array

from .base import Executor, Outputs, as_tuple, channels_last

C = TypeVar("C")
R = TypeVar("R")


class CudaExecutor(Executor):
    """Runs a shape eagerly the first time, and replays a CUDA graph from the second time on.

    The batch axis is padded to a power of two, so that a few shapes are enough for batches of every size.
    """

    GRAPHS = 64  # shapes that are remembered, the most recent ones

    def __init__(
        self, module: nn.Module, example: Array, device: str, warm_up: Iterable[tuple[int, ...]]
    ) -> None:
        self._lock, self._device = threading.Lock(), torch.device(device)
        self._module = module.eval().half().to(self._device).to(memory_format=torch.channels_last)
        self._graphs: OrderedDict[tuple[int, ...], _Graph | None] = OrderedDict()  # None: seen once
        self._pool = torch.cuda.graph_pool_handle()
        for shape in (example.shape, *warm_up):
            # the first run sets up the libraries and the second captures the graph, both before any request
            for _ in range(2):
                self(np.zeros(shape, example.dtype))

    def __call__(self, array: Array) -> Outputs:
        return self.map([array], lambda outputs: outputs)[0]

    def map_with(self, inputs: Iterable[tuple[Array, C]], then: Callable[[Outputs, C], R]) -> list[R]:
        results: list[R] = []
        running: deque[tuple[Sequence[Tensor], C]] = deque()

        def finish() -> None:
            outputs, context = running.popleft()
            results.append(then(_on_host(outputs), context))

        with self._lock, torch.inference_mode(), torch.cuda.device(self._device):
            for array, context in inputs:
                # _start returns at once, so the device never waits for `then`
                running.append((self._start(array), context))
                if len(running) > 1:
                    finish()
            while running:
                finish()
        return results

    def _start(self, array: Array) -> Sequence[Tensor]:
        size = len(array)
        if missing := (1 << (size - 1).bit_length()) - size:
            array = np.concatenate((array, np.zeros((missing, *array.shape[1:]), array.dtype)))
        return [output[:size] for output in self._padded(array)]

    def _padded(self, array: Array) -> Sequence[Tensor]:
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
        tensor = channels_last(tensor.half() if tensor.is_floating_point() else tensor)
        if array.shape not in self._graphs:
            self._graphs[array.shape] = None
            if len(self._graphs) > self.GRAPHS:
                torch.cuda.synchronize()  # the removed graph may still be running
                self._graphs.popitem(last=False)
            return [output.float() for output in as_tuple(self._module(tensor))]
        graph = self._graphs.pop(array.shape) or _Graph(self._module, tensor, self._pool)
        self._graphs[array.shape] = graph
        return graph(tensor)


class _Graph:
    """The CUDA graph of one input shape.

    All graphs can share `pool`, because they run one after the other and their outputs are copied.
    """

    def __init__(self, module: nn.Module, example: Tensor, pool: Any) -> None:
        self._input = example.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # lazy initialisation must not happen during the capture
            module(self._input)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._outputs = [output.float() for output in as_tuple(module(self._input))]

    def __call__(self, tensor: Tensor) -> Sequence[Tensor]:
        self._input.copy_(tensor)
        self._graph.replay()
        return [output.clone() for output in self._outputs]


def _on_host(outputs: Sequence[Tensor]) -> Outputs:
    return tuple(output.cpu().numpy() for output in outputs)
