"""Arrays that are computed once and kept beside the weights they come from."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from serving.arrays import Array
from serving.files import replacing

Arrays = Mapping[str, Array]


def cached_arrays(file: Path | None, make: Callable[[], Arrays]) -> Arrays:
    """What `make` gives, from the safetensors file of an earlier start or written to it for the next.

    file: named by `Weights.derived`; None keeps nothing.
    """
    if file is None:
        return make()
    with suppress(FileNotFoundError, SafetensorError):  # missing, or damaged
        return load_file(file)
    made = make()
    with suppress(OSError):  # a folder that cannot be written
        _write(made, file)
    return made


def _write(arrays: Arrays, file: Path) -> None:
    with replacing(file) as part:
        save_file(dict(arrays), part)
