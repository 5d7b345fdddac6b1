"""Asking a feature from the command line: in process, over HTTP, or in a container of its own."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import httpx

from .errors import InvalidRequest, Unavailable
from .feature import Feature
from .progress import step
from .service import Reply, Service
from .settings import Settings

_READY_S = 120.0
_POLL_S = 0.05


def body_of(image: Path | None, request: Path | None) -> tuple[bytes, str]:
    """Body and content type from the files a user names. Raises `InvalidRequest`."""
    if (image is None) == (request is None):
        raise InvalidRequest("img, json: name one of the two files")
    if image is not None:
        return image.read_bytes(), "application/octet-stream"
    body = sys.stdin.buffer.read() if request == Path("-") else Path(str(request)).read_bytes()
    return body, "application/json"


def ask(feature: Feature, body: bytes, content_type: str, *, url: str | None, settings: Settings) -> Reply:
    """The reply of the container at `url`, or of the feature loaded into this process where that is None."""
    if url is not None:
        return post(url, body, content_type, settings.deadline_s)

    async def run() -> Reply:
        with step(f"loading {feature.name}"):
            service = Service.load(feature, settings)
        async with service:
            return await service.invoke(body, content_type)

    return asyncio.run(run())


class Container(NamedTuple):
    """A running container process and its address."""

    process: subprocess.Popen[bytes]
    url: str


@contextmanager
def container(feature: str, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Container]:
    """`aikit serve FEATURE` on a free port of this machine, ready to answer; stopped on leaving.

    Raises `Unavailable` when it does not become ready; what it wrote to stderr says why.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "serving", "serve", feature, "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **(environ or {})})
    try:
        _wait_until_ready(process, url := f"http://127.0.0.1:{port}")
        yield Container(process, url)
    finally:
        process.terminate()
        process.wait()


def post(url: str, body: bytes, content_type: str, timeout_s: float) -> Reply:
    """The reply of the container at `url` to one invocation. Raises `Unavailable`."""
    try:
        response = httpx.post(
            f"{url.rstrip('/')}/invocations",
            content=body,
            headers={"Content-Type": content_type},
            timeout=timeout_s,
        )
    except httpx.HTTPError as error:
        raise Unavailable(f"url: {url}: {error}") from error
    return Reply(response.status_code, response.content, response.headers.get("content-type", ""))


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + _READY_S
    with httpx.Client(base_url=url) as client:
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Unavailable(f"the container ended with {process.returncode}")
            with suppress(httpx.TransportError):
                if client.get("/ping").status_code == HTTPStatus.OK:
                    return
            time.sleep(_POLL_S)
    raise Unavailable(f"the container was not ready within {_READY_S:g} s")
