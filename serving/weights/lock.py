"""weights.lock: what hub files were when they were first pulled."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving.feature import Hub, WeightFile
from serving.files import replacing


class DownloadError(OSError):
    """The file cannot be had, or is not what it must be; the message names address and reason."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub file was when it was first pulled. size: bytes."""

    repository: str
    file: str
    commit: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LockFile:
    """weights.lock: JSON in a fixed order, with a pin for each hub file whose declaration has no sha256."""

    path: Path

    def pin(self, file: WeightFile) -> Pin | None:
        """Raises `DownloadError` when the lock cannot be read."""
        return (
            self._read().get(_key(file.source)) if isinstance(file.source, Hub) and not file.sha256 else None
        )

    def expected(self, file: WeightFile) -> str | None:
        """The sha256 the file must have; None for a hub file before its first pull."""
        pin = self.pin(file)
        return pin.sha256 if pin else file.sha256

    def add(self, source: Hub, pin: Pin) -> Pin:
        """Write `pin`, unless another process was first; returns the one that holds."""
        with replacing_alone(self.path) as part:
            pins = self._read()
            holds = pins.setdefault(_key(source), pin)
            text = msgspec.json.format(msgspec.json.encode(pins, order="deterministic"), indent=2)
            part.write_bytes(text + b"\n")
            return holds

    def _read(self) -> dict[str, Pin]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Pin])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise DownloadError(f"{self.path}: {error}; delete it to pin anew") from error


def _key(source: Hub) -> str:
    return f"{source.repository}@{source.revision}/{source.path}"


def sha256(path: Path) -> str:
    """Hexadecimal, as in the declarations."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing_alone(target: Path) -> Iterator[Path]:
    """Does as `replacing`, for one process at a time."""
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")), replacing(target) as part:
        yield part
