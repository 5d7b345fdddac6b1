"""The container process of one feature: starting, watching, calling and stopping it."""

import asyncio
import logging
import math
import os
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import IO, Literal, NamedTuple

import httpx
import msgspec

from serving.errors import Unavailable
from serving.feature import Feature
from serving.http import free_port
from serving.settings import Settings

log = logging.getLogger(__name__)

State = Literal["idle", "starting", "ready", "restarting", "failed"]

_READY_S = 600.0  # a first start may download the weights
_POLL_S = 0.05
_STOP_S = 5.0  # in addition to the time that the container gives its requests
_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)  # wait before the next start, by the number of failures
_MISCONFIGURED_S = 10.0  # the same for a container that cannot start, such as one without weights
_LATENCIES = 300  # number of requests that the percentiles are computed from
_HOP_BY_HOP = frozenset(
    ("connection", "content-length", "date", "expect", "host", "keep-alive", "server", "transfer-encoding")
)


class ContainerReply(NamedTuple):
    """The reply of a container. headers: by name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class ContainerState(NamedTuple):
    """The state of a container and figures of its latest requests.

    queue: number of requests that wait for a reply. reason: the cause of a failure, or an empty text.
    """

    feature: str
    state: State
    requests: int
    p50_ms: float
    p95_ms: float
    queue: int
    memory_mb: float
    reason: str


class Replica:
    """The container of one feature, which runs after `start`.

    ended: the replica sets this event when the process ends.
    """

    def __init__(
        self, feature: Feature, settings: Settings, client: httpx.AsyncClient, ended: asyncio.Event
    ) -> None:
        self.feature = feature
        self.state: State = "idle"
        self.in_flight = 0
        self.last_used = 0.0
        self._settings = settings
        self._client = client
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._url = ""
        self._reason = ""
        self._failures = 0
        self._next_start = 0.0
        self._requests = 0
        self._latest_ms: deque[float] = deque(maxlen=_LATENCIES)

    @property
    def running(self) -> bool:
        """True when the container uses memory, or soon will."""
        return self.state in ("starting", "ready") or self._process is not None

    @property
    def pid(self) -> int:
        """Process id of the container; 0 when there is no process."""
        return self._process.pid if self._process else 0

    def snapshot(self, memory_mb: float) -> ContainerState:
        times = sorted(self._latest_ms) or [0.0]
        p50_ms, p95_ms = (times[math.ceil(share * len(times)) - 1] for share in (0.5, 0.95))
        return ContainerState(
            feature=self.feature.name,
            state=self.state,
            requests=self._requests,
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            queue=self.in_flight,
            memory_mb=memory_mb,
            reason=self._reason,
        )

    def become(self, state: State, reason: str = "") -> None:
        """Changes the state, and logs the change."""
        if state != self.state:
            line = ": ".join(filter(None, (self.feature.name, state, reason)))
            log.log(logging.WARNING if reason else logging.INFO, "%s", line)
        self.state, self._reason = state, reason

    async def back_off(self) -> None:
        """Waits until the container may start again. Raises `Unavailable` if another start would fail too."""
        wait_s = self._next_start - time.monotonic()
        if self.state == "failed" and wait_s > 0:
            raise Unavailable(self._reason)
        await asyncio.sleep(wait_s)

    async def start(self) -> None:
        """Starts the process and waits until it answers. Raises `Unavailable` if it does not.

        The state must be `starting` before the call.
        """
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        with ExitStack() as stack:
            stderr = stack.enter_context(TemporaryFile())
            try:
                self._process = await self._spawn(port, stderr)
            except OSError as error:  # such as no memory or file descriptors for a process
                self.become("restarting", str(error))
                raise Unavailable("no container could be started") from error
            watching = self._watching = asyncio.create_task(self._watch(self._process, stderr))
            stack.pop_all()  # the task closes the file
        try:
            async with asyncio.timeout(_READY_S):
                await self._until_ready(watching)
        except TimeoutError:
            await self.stop()
            raise Unavailable(f"the container was not ready within {_READY_S:g} s") from None

    async def _spawn(self, port: int, stderr: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aikit", "serve", self.feature.module, "--port", str(port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            env=_environ(self.feature, self._settings),
            start_new_session=True,  # so that Ctrl-C in a terminal reaches the gateway only
        )

    async def stop(self) -> None:
        """Ends the process after it has finished its requests."""
        process, watching = self._process, self._watching
        self.become("idle")
        if process is None or watching is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        _, late = await asyncio.wait({watching}, timeout=self._settings.grace_s + _STOP_S)
        if late:
            process.kill()
            await watching

    async def post(self, body: bytes, headers: Mapping[str, str]) -> ContainerReply:
        """Sends a request to the container. Raises `Unavailable` if the container ends before it replies."""
        began = time.monotonic()
        try:
            reply = await self._client.post(
                f"{self._url}/invocations", content=body, headers=_passed(headers), timeout=None
            )
        except httpx.TransportError as error:
            raise Unavailable("the container ended without an answer") from error
        finally:
            self._requests += 1
            self._latest_ms.append(1000 * (time.monotonic() - began))
        return ContainerReply(reply.status_code, _passed(reply.headers), reply.content)

    async def metrics(self) -> str:
        """Returns the metrics in Prometheus' text format, or an empty text without an answer."""
        if self.state == "ready":
            with suppress(httpx.TransportError):
                return (await self._client.get(f"{self._url}/metrics")).text
        return ""

    async def _until_ready(self, watching: "asyncio.Task[None]") -> None:
        while not watching.done():
            with suppress(httpx.TransportError):
                if (await self._client.get(f"{self._url}/ping")).status_code == HTTPStatus.OK:
                    self._failures = 0
                    self.become("ready")
                    return
            await asyncio.sleep(_POLL_S)
        raise Unavailable(self._reason)

    async def _watch(self, process: asyncio.subprocess.Process, stderr: IO[bytes]) -> None:
        """Waits for the end of the process. Its last line on stderr is the reason of a failed start."""
        code = await process.wait()
        self._process = None
        self._ended.set()
        with stderr:
            stderr.seek(0)
            last = (stderr.read().decode(errors="replace").strip().splitlines() or [""])[-1]
        if self.state == "idle":
            return
        if code == os.EX_CONFIG:
            self.become("failed", last)
            back_off_s = _MISCONFIGURED_S
        else:
            self.become("restarting", f"the container ended with {code}")
            log.error("%s: last line of stderr: %s", self.feature.name, last or "none")
            back_off_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._next_start = time.monotonic() + back_off_s
        self._failures += 1


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _environ(feature: Feature, settings: Settings) -> dict[str, str]:
    """Returns the environment of the container, with the feature's own folder in the common model folder."""
    own = msgspec.structs.replace(settings, model_dir=settings.model_dir / feature.name)
    environ = {**os.environ, **own.environ()}
    for name in ("AIKIT_PORT", "SAGEMAKER_BIND_TO_PORT"):  # the port is an argument of the command
        environ.pop(name, None)
    return environ
