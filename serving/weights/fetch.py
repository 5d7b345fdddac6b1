"""Downloads one file over HTTP: it limits the size, and hashes the bytes as it writes them."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from serving import progress

from .lock import DownloadError

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 4 << 30
"""The limit for a file without a declared size."""

_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 5.0, 30.0
_PAUSES_S = (0.3, 0.9, None)  # after the first, the second and the last attempt
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Fetched(NamedTuple):
    """A downloaded file. commit: the one that a Hugging Face hub names in its response."""

    sha256: str
    size: int
    commit: str | None


def fetch(
    where: str,
    target: Path,
    *,
    what: str,
    limit: int = MAX_BYTES,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Fetched:
    """Downloads the file in at most three attempts. Raises `DownloadError`, which names address and reason.

    what: the name that the progress shows. limit: bytes.
    httpx could retry by itself, but it ignores HTTPS_PROXY when it is given a transport that retries.
    """
    import httpx

    for pause_s in _PAUSES_S:
        try:
            return _attempt(where, target, what, limit, headers)
        except httpx.HTTPError as error:
            refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500
            if refused or pause_s is None:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise DownloadError(f"{where}: {reason}") from error
            time.sleep(pause_s)
    raise RuntimeError("unreachable: the last attempt returns or raises")


def _attempt(where: str, target: Path, what: str, limit: int, headers: Mapping[str, str]) -> Fetched:
    import httpx

    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    digest, size = hashlib.sha256(), 0
    with (
        httpx.stream(
            "GET",
            where,
            headers={"Accept-Encoding": "identity", **headers},
            follow_redirects=True,
            timeout=timeout,
        ) as response,
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
        return Fetched(digest.hexdigest(), size, _commit(response))


def _commit(response: "httpx.Response") -> str | None:
    """Returns the commit that a hub names in its own response, which may redirect to another server."""
    named = (answer.headers.get("X-Repo-Commit") for answer in (*response.history, response))
    return next(filter(None, named), None)
