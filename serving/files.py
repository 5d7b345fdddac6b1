"""Files that readers see whole or not at all."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED_S = 3600.0  # what is older was left behind by a process that is gone


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yields a path beside `target` to write a file or a folder to.

    When the block ends without an error, what was written replaces `target` in one step; when nothing was
    written, `target` stays as it is. Makes the folder that holds `target`. Raises `OSError`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        yield part
        if part.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
        elif part.exists():
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
    finally:
        _remove(part)


def _sweep(folder: Path) -> None:
    """Removes what processes that were killed left unfinished."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):  # another process finished or removed it
            if part.stat().st_mtime < time.time() - _ABANDONED_S:
                _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
