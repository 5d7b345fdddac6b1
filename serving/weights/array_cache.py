"""A cache for arrays that are computed once from weights."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from serving.arrays import Array
from serving.files import replacing

Arrays = Mapping[str, Array]


def cached_arrays(file: Path | None, make: Callable[[], Arrays]) -> Arrays:
    """Returns the arrays from the safetensors file of an earlier start, or else those that `make` returns.

    New arrays are written to the file for the next start. file: a path from `Weights.derived`; None stores
    nothing.
    """
    if file is None:
        return make()
    with suppress(FileNotFoundError, SafetensorError):  # the file is missing or damaged
        return load_file(file)
    made = make()
    with suppress(OSError):  # the folder is not writable
        _write(made, file)
    return made


def _write(arrays: Arrays, file: Path) -> None:
    with replacing(file) as part:
        save_file(dict(arrays), part)
