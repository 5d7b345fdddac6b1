"""The table of containers that `aikit up` shows."""

from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TextIO

from deploy.tables import columns

from .replica import ContainerState

_HEADER = ("feature", "state", "requests", "p50 ms", "p95 ms", "queue", "memory MB")


class Table:
    """A table that is rewritten in place on a terminal, and not shown on other streams."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.in_place = stream.isatty()
        self._height = 0

    def write(self, text: str) -> None:
        """Prints a text above the table. A log handler can use the table as its stream."""
        self._clear()
        self._stream.write(text)
        self.flush()

    def flush(self) -> None:
        self._stream.flush()

    def show(self, states: Sequence[ContainerState]) -> None:
        if self.in_place:
            width = get_terminal_size().columns  # a longer line would take two lines on the screen
            lines = [line[:width] for line in table(states)]
            self.write("".join(f"{line}\n" for line in lines))
            self._height = len(lines)

    def _clear(self) -> None:
        if self._height:
            self._stream.write(f"\x1b[{self._height}F\x1b[J")
            self._height = 0


def table(states: Sequence[ContainerState]) -> list[str]:
    """Returns the lines of the table: a header, then a line for each feature."""
    return columns([_HEADER, *map(_row, states)])


def _row(state: ContainerState) -> tuple[str, ...]:
    times = (f"{ms:.0f}" if state.requests else "" for ms in (state.p50_ms, state.p95_ms))
    memory = f"{state.memory_mb:.0f}" if state.memory_mb else ""
    return state.feature, state.state, str(state.requests), *times, str(state.queue), memory
