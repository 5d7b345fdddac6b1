"""Writing files and folders such that readers never see a part of one."""

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PART = re.compile(r"\.(.+)\.[0-9a-f]{12}\.part")
_ABANDONED_S = 3600.0  # an older part was left behind by a process that no longer runs


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yields a path next to `target`, to which the caller writes a file or a folder.

    When the block ends without an error, the written file or folder replaces `target`; a file does so in one
    step. When nothing was written, `target` is unchanged. The parent folder is created. Raises `OSError`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    part.touch()  # libraries raise errors of their own when they cannot write here; this raises OSError
    part.unlink()
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


@contextmanager
def replacing_alone(target: Path) -> Iterator[Path]:
    """Does the same as `replacing`, for one process at a time; the others wait."""
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        _sweep(target.parent, target.name)  # nobody else writes this file now
        with replacing(target) as part:
            yield part


def _sweep(folder: Path, name: str = "") -> None:
    """Removes the parts that killed processes left: those of `name`, and older ones of any name."""
    for part in folder.glob(".*.part"):
        of = _PART.fullmatch(part.name)
        with suppress(OSError):  # another process finished or removed it
            if of and (of[1] == name or part.stat().st_mtime < time.time() - _ABANDONED_S):
                _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
