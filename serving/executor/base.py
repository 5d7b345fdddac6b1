"""What every executor is: a network ready to run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from serving.arrays import Array, Floats

if TYPE_CHECKING:
    import torch

Outputs = tuple[Floats, ...]
C = TypeVar("C")
R = TypeVar("R")


class Executor(ABC):
    """A network ready to run. Thread-safe: concurrent callers wait for each other."""

    @abstractmethod
    def __call__(self, array: Array) -> Outputs:
        """Outputs for one input, batch axis first, on all threads of the device."""

    def map(self, arrays: Iterable[Array], then: Callable[[Outputs], R]) -> list[R]:
        """Returns `then(outputs)` for every input, in order; see `map_with` for the rules."""
        return self.map_with(((array, None) for array in arrays), lambda outputs, _: then(outputs))

    def map_with(self, inputs: Iterable[tuple[Array, C]], then: Callable[[Outputs, C], R]) -> list[R]:
        """Returns `then(outputs, context)` for every input, in order. Shapes may differ.

        inputs: arrays, each with a context that is handed to `then` beside the array's outputs.
        The next input is taken while an earlier one is computed, so preparing inputs in a generator and
        reading outputs in `then` cost no extra time. `then` must neither call the executor nor keep the
        outputs, because the next input overwrites their memory.
        """
        return [then(self(array), context) for array, context in inputs]


def channels_last(tensor: "torch.Tensor") -> "torch.Tensor":
    return tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def as_tuple(outputs: Any) -> "tuple[torch.Tensor, ...]":
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
