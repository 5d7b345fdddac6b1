"""Sends requests to a feature that runs in this process or in a container.

`container` starts such a container on this machine.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from serving.adapters.in_process import SyncService
from serving.codec import JSON
from serving.errors import InvalidRequest, Unavailable
from serving.feature import Feature
from serving.http import free_port
from serving.progress import bar, step
from serving.service import Reply
from serving.settings import Settings

_READY_S = 300.0
_CALLERS = 8
_POLL_S = 0.05


def bodies_of(images: Sequence[Path], request: Path | None) -> tuple[list[bytes], str]:
    """Returns the request bodies, read from the named files, and their content type.

    request: a file with a JSON body; `-` is standard input. Raises `InvalidRequest` unless either images or a
    request are given.
    """
    if bool(images) == (request is not None):
        raise InvalidRequest("img, json: give either --img FILE or --json FILE")
    if request is None:
        return [image.read_bytes() for image in images], "application/octet-stream"
    return [sys.stdin.buffer.read() if request == Path("-") else request.read_bytes()], JSON


def print_answers(images: Sequence[Path], answers: Sequence[Any]) -> None:
    """Prints JSON: the answer to the only request, or the answer for each image by its path."""
    by_image = dict(zip(map(str, images), answers, strict=False))
    print(json.dumps(by_image if len(answers) > 1 else answers[0], ensure_ascii=False, indent=2), flush=True)


def ask(
    feature: Feature, bodies: Sequence[bytes], content_type: str, *, url: str | None, settings: Settings
) -> list[Reply]:
    """Returns one reply for each body, in the order of `bodies`.

    The container at `url` gives them. When `url` is None, the feature is loaded into this process.
    """
    with ExitStack() as stack:
        call: Callable[[bytes], Reply]
        if url is not None:
            call = partial(post, url, content_type=content_type, timeout_s=settings.deadline_s)
        else:
            with step(f"loading {feature.name}"):
                service = SyncService(feature, settings)
            stack.callback(service.close)
            call = partial(service.invoke, content_type=content_type)
        if len(bodies) == 1:
            return [call(bodies[0])]
        callers = stack.enter_context(ThreadPoolExecutor(_CALLERS))
        shown = stack.enter_context(bar(len(bodies), feature.name, "request"))
        replies = []
        for reply in callers.map(call, bodies):
            replies.append(reply)
            shown.update(1)
        return replies


class Container(NamedTuple):
    """A running container process and its address."""

    process: subprocess.Popen[bytes]
    url: str


@contextmanager
def container(feature: str, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Container]:
    """Runs `aikit serve FEATURE` on a free port of this machine while the context lasts.

    The container is ready when the context begins. Raises `Unavailable` when it does not become ready; its
    stderr then says why.
    """
    port = free_port()
    command = [sys.executable, "-m", "aikit", "serve", feature, "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **(environ or {})})
    try:
        _wait_until_ready(process, url := f"http://127.0.0.1:{port}")
        yield Container(process, url)
    finally:
        process.terminate()
        process.wait()


def post(url: str, body: bytes, *, content_type: str, timeout_s: float) -> Reply:
    """Sends one body to the container at `url` and returns its reply.

    Raises `Unavailable` when no reply comes.
    """
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
                raise Unavailable(f"the container ended with status {process.returncode} before it was ready")
            with suppress(httpx.TransportError):
                if client.get("/ping").status_code == HTTPStatus.OK:
                    return
            time.sleep(_POLL_S)
    raise Unavailable(f"the container was not ready within {_READY_S:g} s")
