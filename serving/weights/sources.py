"""Downloading one weight file: streamed, bounded, hashed while it is written, and held to what it must be."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from serving import progress
from serving.feature import Bundled, Hub, Url, WeightFile

if TYPE_CHECKING:
    import httpx

_MAX_BYTES = 4 << 30  # of a file whose size nobody declared
_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 5.0, 30.0
_PAUSES_S = (0.3, 0.9, None)  # after the first, the second and the last attempt


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
        with workspace(self.path) as part:
            pins = self._read()
            holds = pins.setdefault(_key(source), pin)
            text = msgspec.json.format(msgspec.json.encode(pins, order="deterministic"), indent=2)
            part.write_bytes(text + b"\n")
            part.replace(self.path)
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
def workspace(target: Path) -> Iterator[Path]:
    """Where to write what shall replace `target`, for one process at a time; deleted unless moved away."""
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with FileLock(target.with_name(f".{target.name}.lock")):
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)


def address(source: Url | Hub, *, commit: str | None = None, hub: str | None = None) -> str:
    """Where the file is downloaded. hub None: HF_ENDPOINT where that is set, else huggingface.co."""
    if isinstance(source, Url):
        return source.address
    from huggingface_hub import hf_hub_url

    return hf_hub_url(source.repository, source.path, revision=commit or source.revision, endpoint=hub)


def download(file: WeightFile, target: Path, *, lock: LockFile, hub: str | None) -> str:
    """Write the file to `target`; its sha256. Raises `DownloadError`, also if it is another than declared."""
    source = file.source
    if isinstance(source, Bundled):
        raise DownloadError(f"the package {source.package} is not installed, or is another version")
    pin = lock.pin(file)
    where = address(source, commit=pin.commit if pin else None, hub=hub)
    got = _fetch(where, target, file.name, file.size or (pin.size if pin else _MAX_BYTES))
    if isinstance(source, Hub) and not file.sha256 and not pin:
        if got.commit is None:
            raise DownloadError(f"{where}: the answer names no commit, so this is no Hugging Face hub")
        new = Pin(repository=source.repository, file=source.path, **got._asdict())
        pin = lock.add(source, new)
    expected = pin.sha256 if pin else file.sha256
    if got.sha256 != expected:
        raise DownloadError(f"{where} gave sha256 {got.sha256}, not {expected}")
    return got.sha256


class _Fetched(NamedTuple):
    sha256: str
    size: int
    commit: str | None


def _fetch(where: str, target: Path, what: str, limit: int) -> _Fetched:
    """Three attempts, which are ours because httpx, given a retrying transport, ignores HTTPS_PROXY."""
    import httpx

    for pause_s in _PAUSES_S:
        try:
            return _attempt(where, target, what, limit)
        except httpx.HTTPError as error:
            refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500
            if refused or pause_s is None:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise DownloadError(f"{where}: {reason}") from error
            time.sleep(pause_s)
    raise RuntimeError("unreachable: the last attempt returns or raises")


def _attempt(where: str, target: Path, what: str, limit: int) -> _Fetched:
    import httpx

    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    headers = {"Accept-Encoding": "identity"}
    digest, size = hashlib.sha256(), 0
    with (
        httpx.stream("GET", where, headers=headers, follow_redirects=True, timeout=timeout) as response,
        target.open("wb") as out,
    ):
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0)) or None
        with progress.bar(total, what) as bar:
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    raise DownloadError(f"{where}: over {limit} bytes, the most this file may have")
                digest.update(chunk)
                out.write(chunk)
                bar.update(len(chunk))
        return _Fetched(digest.hexdigest(), size, _commit(response))


def _commit(response: "httpx.Response") -> str | None:
    """A hub names the commit in its own answer, which may be a redirect to where the bytes are."""
    named = (answer.headers.get("X-Repo-Commit") for answer in (*response.history, response))
    return next(filter(None, named), None)
