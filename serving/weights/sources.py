"""Downloads one weight file: it limits the size, hashes the bytes as it writes them, and checks the hash."""

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from serving import progress
from serving.feature import Bundled, Hub, Url, WeightFile

from .lock import DownloadError, LockFile, Pin

if TYPE_CHECKING:
    import httpx

_MAX_BYTES = 4 << 30  # for a file without a declared size
_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 5.0, 30.0
_PAUSES_S = (0.3, 0.9, None)  # after the first, the second and the last attempt


def address(source: Url | Hub, *, commit: str | None = None, hub: str | None = None) -> str:
    """Returns the address of the file. hub: None means HF_ENDPOINT if it is set, otherwise huggingface.co."""
    if isinstance(source, Url):
        return source.address
    from huggingface_hub import hf_hub_url

    return hf_hub_url(source.repository, source.path, revision=commit or source.revision, endpoint=hub)


def download(file: WeightFile, target: Path, *, lock: LockFile, hub: str | None) -> str:
    """Writes the file to `target` and returns its sha256. Raises `DownloadError`, also for a wrong sha256."""
    source = file.source
    if isinstance(source, Bundled):
        raise DownloadError(f"the package {source.package} is not installed, or is another version")
    pin = lock.pin(file)
    where = address(source, commit=pin.commit if pin else None, hub=hub)
    fetched = _fetch(where, target, file.name, file.size or (pin.size if pin else _MAX_BYTES))
    if isinstance(source, Hub) and not file.sha256 and not pin:
        if fetched.commit is None:
            raise DownloadError(f"{where}: the response names no commit, so this is no Hugging Face hub")
        new = Pin(repository=source.repository, file=source.path, **fetched._asdict())
        pin = lock.add(source, new)
    expected = pin.sha256 if pin else file.sha256
    if fetched.sha256 != expected:
        raise DownloadError(f"{where} gave sha256 {fetched.sha256}, not {expected}")
    return fetched.sha256


class _Fetched(NamedTuple):
    sha256: str
    size: int
    commit: str | None


def _fetch(where: str, target: Path, what: str, limit: int) -> _Fetched:
    """Downloads the file in at most three attempts.

    httpx could retry by itself, but it ignores HTTPS_PROXY when it is given a transport that retries.
    """
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
                    raise DownloadError(f"{where}: over {limit} bytes, the limit for this file")
                digest.update(chunk)
                out.write(chunk)
                bar.update(len(chunk))
        return _Fetched(digest.hexdigest(), size, _commit(response))


def _commit(response: "httpx.Response") -> str | None:
    """Returns the commit that a hub names in its own response, which may redirect to another server."""
    named = (answer.headers.get("X-Repo-Commit") for answer in (*response.history, response))
    return next(filter(None, named), None)
