"""The file weights.lock, which records the commit and the hash of each hub file at its first pull."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving.feature import Hub, WeightFile
from serving.files import replacing_alone


class DownloadError(OSError):
    """The file cannot be downloaded, or its hash is wrong; the message names place and reason."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a hub file at its first pull. size: bytes."""

    repository: str
    file: str
    commit: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LockFile:
    """The file weights.lock: JSON in a fixed order, with a pin for each hub file that declares no sha256."""

    path: Path

    def pin(self, file: WeightFile) -> Pin | None:
        """Returns the pin of a hub file without a declared sha256. Raises `DownloadError` (broken lock)."""
        hub = next((source for source in file.sources if isinstance(source, Hub)), None)
        if hub is None or file.sha256:
            return None
        return self._read().get(_key(hub))

    def expected(self, file: WeightFile) -> str | None:
        """Returns the sha256 that the file must have; None for a hub file before its first pull."""
        pin = self.pin(file)
        return pin.sha256 if pin else file.sha256

    def add(self, source: Hub, pin: Pin) -> Pin:
        """Writes `pin`, unless another process has written one first, and returns the valid one."""
        with replacing_alone(self.path) as part:
            pins = self._read()
            valid = pins.setdefault(_key(source), pin)
            text = msgspec.json.format(msgspec.json.encode(pins, order="deterministic"), indent=2)
            part.write_bytes(text + b"\n")
            return valid

    def _read(self) -> dict[str, Pin]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Pin])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise DownloadError(f"{self.path}: {error}; delete it; the next pull writes it again") from error


def _key(source: Hub) -> str:
    return f"{source.repository}@{source.revision}/{source.path}"


def sha256(path: Path) -> str:
    """Returns the sha256 of a file in hexadecimal, like the declarations."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
