"""What every executor is: a network ready to run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
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


def channels_last(tensor: "torch.Tensor") -> "torch.Tensor":
    return tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def as_tuple(outputs: Any) -> "tuple[torch.Tensor, ...]":
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
