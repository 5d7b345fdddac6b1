"""Progress of long work, on stderr because stdout carries data: bars on a terminal, otherwise plain lines."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

_LINE_EVERY_S = 10.0


class Bar(Protocol):
    """A receiver of progress reports."""

    def update(self, n: float = 1, /) -> object:
        """Counts `n` more units as done."""


class _Lines:
    def __init__(self, total: float | None, what: str, unit: str) -> None:
        self._what, self._unit, self._done = what, unit, 0.0
        self._of_total = f" of {_amount(total, unit)}" if total else ""
        self._next_line = time.monotonic() + _LINE_EVERY_S

    def update(self, n: float = 1, /) -> None:
        self._done += n
        if time.monotonic() >= self._next_line:
            self._next_line += _LINE_EVERY_S
            note(f"{self._what}: {_amount(self._done, self._unit)}{self._of_total}")

    def finish(self) -> None:
        note(f"{self._what}: {_amount(self._done, self._unit)} done")


@contextmanager
def bar(total: float | None, what: str, unit: str = "B") -> Iterator[Bar]:
    """Shows progress through `total` units (None: unknown). unit "B" stands for bytes, shown as MB.

    Without a terminal it writes a line every 10 s, and `det.onnx: 9.9 MB done` unless the work raised.
    """
    if sys.stderr.isatty():
        with tqdm(total=total, desc=what, unit=unit, unit_scale=unit == "B") as shown:
            yield shown
    else:
        lines = _Lines(total, what, unit)
        yield lines
        lines.finish()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Writes that work of unknown length begins, and its duration when it has succeeded."""
    began = time.monotonic()
    note(f"{what} ...")
    yield
    note(f"{what}: {time.monotonic() - began:.1f} s")


def _amount(n: float, unit: str) -> str:
    return f"{n / 1e6:.1f} MB" if unit == "B" else f"{n:g} {unit}"


def note(line: str) -> None:
    """Writes one line about the work."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
