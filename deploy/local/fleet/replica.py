"""One feature's container process: started when it is wanted, watched, counted, and stopped."""

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

Condition = Literal["idle", "starting", "ready", "restarting", "failed"]

_READY_S = 600.0  # a first start may download the weights
_POLL_S = 0.05
_STOP_S = 5.0  # beyond the grace that the container gives its requests
_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_IN_VAIN_S = 10.0
_KEPT = 300
_HOP_BY_HOP = frozenset(
    ("connection", "content-length", "date", "expect", "host", "keep-alive", "server", "transfer-encoding")
)


class Answered(NamedTuple):
    """What a container said; the names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class ContainerState(NamedTuple):
    """A container and its latest requests. queue: those that wait for an answer; reason: why it failed."""

    feature: str
    state: Condition
    requests: int
    p50_ms: float
    p95_ms: float
    queue: int
    memory_mb: float
    reason: str


class Replica:
    """The container of one feature. It starts no sooner than `start` is called; ended: set when it ends."""

    def __init__(
        self, feature: Feature, settings: Settings, client: httpx.AsyncClient, ended: asyncio.Event
    ) -> None:
        self.feature = feature
        self.condition: Condition = "idle"
        self.in_flight = 0
        self.used = 0.0
        self._settings = settings
        self._client = client
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._url = ""
        self._reason = ""
        self._failures = 0
        self._again = 0.0
        self._requests = 0
        self._latest_ms: deque[float] = deque(maxlen=_KEPT)

    @property
    def running(self) -> bool:
        """Whether it takes memory, or is about to."""
        return self.condition in ("starting", "ready") or self._process is not None

    @property
    def pid(self) -> int:
        """Of the container process; 0 where there is none."""
        return self._process.pid if self._process else 0

    def state(self, memory_mb: float) -> ContainerState:
        times = sorted(self._latest_ms) or [0.0]
        p50, p95 = (times[math.ceil(share * len(times)) - 1] for share in (0.5, 0.95))
        latest = (self._requests, p50, p95, self.in_flight)
        return ContainerState(self.feature.name, self.condition, *latest, memory_mb, self._reason)

    def become(self, condition: Condition, reason: str = "") -> None:
        """Change its state, and log that."""
        if condition != self.condition:
            said = ": ".join(filter(None, (self.feature.name, condition, reason)))
            log.log(logging.WARNING if reason else logging.INFO, "%s", said)
        self.condition, self._reason = condition, reason

    async def back_off(self) -> None:
        """Wait until it may be started again. Raises `Unavailable` where that would be in vain."""
        wait_s = self._again - time.monotonic()
        if self.condition == "failed" and wait_s > 0:
            raise Unavailable(self._reason)
        await asyncio.sleep(wait_s)

    async def start(self) -> None:
        """Returns once it answers, when it has been `starting`. Raises `Unavailable` when it ended before."""
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        with ExitStack() as stack:
            said = stack.enter_context(TemporaryFile())
            try:
                self._process = await self._spawn(port, said)
            except OSError as error:  # no memory or descriptors left for a process
                self.become("restarting", str(error))
                raise Unavailable("no container could be started") from error
            watching = self._watching = asyncio.create_task(self._watch(self._process, said))
            stack.pop_all()  # the task closes it
        try:
            async with asyncio.timeout(_READY_S):
                await self._until_ready(watching)
        except TimeoutError:
            await self.stop()
            raise Unavailable(f"the container was not ready within {_READY_S:g} s") from None

    async def _spawn(self, port: int, said: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aikit", "serve", self.feature.module, "--port", str(port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=said,
            env=_environ(self.feature, self._settings),
            start_new_session=True,  # a terminal's Ctrl-C is for the gateway alone
        )

    async def stop(self) -> None:
        """Let it finish what it has, then end it."""
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

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Raises `Unavailable`."""
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
        return Answered(reply.status_code, _passed(reply.headers), reply.content)

    async def metrics(self) -> str:
        """In Prometheus' text format; empty where nothing answers."""
        if self.condition == "ready":
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

    async def _watch(self, process: asyncio.subprocess.Process, said: IO[bytes]) -> None:
        """Until it ends; a container that misses its weights says so on stderr, in its last line."""
        code = await process.wait()
        self._process = None
        self._ended.set()
        with said:
            said.seek(0)
            last = (said.read().decode(errors="replace").strip().splitlines() or [""])[-1]
        if self.condition == "idle":
            return
        in_vain = code == os.EX_CONFIG
        if in_vain:
            self.become("failed", last)
        else:
            self.become("restarting", f"the container ended with {code}")
            log.error("%s: its last words: %s", self.feature.name, last or "none")
        back_off_s = _IN_VAIN_S if in_vain else _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._again = time.monotonic() + back_off_s
        self._failures += 1


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _environ(feature: Feature, settings: Settings) -> dict[str, str]:
    """The settings as a container reads them; in the common model folder each feature has one of its own."""
    own = msgspec.structs.replace(settings, model_dir=settings.model_dir / feature.name)
    environ = {**os.environ, **own.environ()}
    for name in ("AIKIT_PORT", "SAGEMAKER_BIND_TO_PORT"):  # the port is an argument of the command
        environ.pop(name, None)
    return environ
