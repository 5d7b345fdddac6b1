"""Serves one feature of a container: admission, deadlines, hang-ups and counters of its requests.

The model processes behind it belong to its `Supervisor`.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Self

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from serving.errors import DeadlineExceeded, NotFound, Overloaded, PayloadTooLarge, ServingError, Unavailable
from serving.feature import Feature
from serving.http import (
    CLIENT_CLOSED_REQUEST,
    CUSTOM_ATTRIBUTES,
    INFERENCE_ID,
    TARGET_MODEL,
    BodyTooLarge,
    read_body,
)
from serving.logs import log_invocation, ms
from serving.service import Reply, problem
from serving.settings import Settings

from .channel import Call
from .metrics import Metrics
from .supervisor import Supervisor

_MB = 1 << 20
_REFUSAL_S = 0.25  # a delay, because callers that retry at once would leave no time for /ping


class FeatureServer:
    """The server of one feature. Use it as `async with FeatureServer(...)`. on_fatal: see `Supervisor`."""

    def __init__(
        self, feature: Feature, settings: Settings, metrics: Metrics, *, on_fatal: Callable[[int], None]
    ) -> None:
        self.feature = feature
        self._settings = settings
        self._metrics = metrics.of(feature.name)
        self._admitted = 0
        self._supervisor = Supervisor(settings, on_restart=self._metrics.restarted, on_fatal=on_fatal)

    async def __aenter__(self) -> Self:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._supervisor.__aexit__(*exc)

    @property
    def ready(self) -> bool:
        """True when at least one model process can process a call now."""
        return self._supervisor.ready

    @property
    def concurrency(self) -> int:
        """Number of concurrent requests that keeps the model processes busy."""
        return 2 * self.feature.batching.max_size * self._settings.processes

    def measure(self, *, ready: bool) -> None:
        """Records the metrics that change without requests. ready: the state that `/ping` reports."""
        self._metrics.measure(ready=ready, queue_length=self._supervisor.queue_length)

    async def invoke(self, request: Request, request_id: str, *, stopping: bool) -> Reply:
        """Answers one request. It never raises. A caller that hung up gets an empty reply with status 499."""
        start = time.monotonic()
        self._metrics.in_flight.inc()
        try:
            reply = await self._answer(request, request_id, stopping=stopping)
        except ServingError as error:
            reply = problem(error, request_id)
        except ClientDisconnect:
            reply = Reply(CLIENT_CLOSED_REQUEST, b"")
        finally:
            self._metrics.in_flight.dec()
        seconds = time.monotonic() - start
        self._metrics.count(reply.status, seconds, reply.stages)
        log_invocation(request_id, reply, seconds)
        return reply

    async def _answer(self, request: Request, request_id: str, *, stopping: bool) -> Reply:
        """Admits one request and returns its reply. Raises `ServingError` and `ClientDisconnect`."""
        if stopping or not self.ready:
            raise Unavailable("the container is stopping" if stopping else "the model is not ready")
        limit = self._supervisor.capacity + self._settings.processes * self.feature.batching.max_size
        if self._admitted >= limit:
            await asyncio.sleep(_REFUSAL_S)
            raise Overloaded(f"queue: full, at most {limit} requests may be in flight")
        self._admitted += 1
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                return await self._ask(request, request_id)
        except TimeoutError:
            raise DeadlineExceeded(f"no answer within {self._settings.deadline_s:g} s") from None
        finally:
            self._admitted -= 1

    async def _ask(self, request: Request, request_id: str) -> Reply:
        """Returns the reply of a model process. Raises `ServingError` and `ClientDisconnect`."""
        deadline = time.monotonic() + self._settings.deadline_s
        body = await _read(request, self._settings.max_body_mb)
        call = Call(
            id=0,
            request_id=request_id,
            content_type=request.headers.get("content-type", ""),
            accept=request.headers.get("accept", "*/*"),
            deadline_s=deadline - time.monotonic(),
            body=body,
        )
        return await _unless_hung_up(request, asyncio.create_task(self._supervisor.call(call)))


def request_id_of(request: Request) -> str:
    """Returns the caller's own request id when it is fit for a log, otherwise a new one."""
    given = request.headers.get("x-request-id") or request.headers.get(INFERENCE_ID) or ""
    return given if re.fullmatch(r"[\w.:-]{1,128}", given) else uuid.uuid4().hex


def reply_to(request: Request, request_id: str, reply: Reply) -> Response:
    """Returns the reply as an HTTP response, with the request id, the timings and the custom attributes."""
    headers = {"X-Request-Id": request_id, **reply.headers}
    if (echo := request.headers.get(CUSTOM_ATTRIBUTES)) is not None:
        headers[CUSTOM_ATTRIBUTES] = echo
    if reply.stages:
        headers["Server-Timing"] = ", ".join(
            f"{name};dur={ms(seconds)}" for name, seconds in reply.stages.seconds().items()
        )
    return Response(reply.body, reply.status, headers, media_type=reply.content_type)


def server_for(servers: Mapping[str, FeatureServer], request: Request) -> FeatureServer:
    """Returns the server that a request is for. Raises `NotFound`.

    The path names the feature, or else the target model, or else `feature=NAME` in the custom attributes.
    When there is only one server, the path alone is considered. Every name of a feature is accepted.
    """
    name = request.path_params.get("feature", "")
    if not name and len(servers) == 1:
        return next(iter(servers.values()))
    name = name or _target(request)
    for server in servers.values():
        if name in server.feature.names:
            return server
    given = f"no {name!r} here" if name else "none is named"
    raise NotFound(f"feature: {given}; there is {', '.join(servers)}")


def _target(request: Request) -> str:
    if model := request.headers.get(TARGET_MODEL):
        return model.removeprefix("/").removesuffix(".tar.gz")
    attributes = request.headers.get(CUSTOM_ATTRIBUTES, "").replace(";", ",").split(",")
    pairs = (pair.partition("=") for pair in attributes)
    return next((value.strip() for key, _, value in pairs if key.strip() == "feature"), "")


async def _read(request: Request, limit_mb: float) -> bytes:
    """Returns the body. Raises `PayloadTooLarge` and `ClientDisconnect`."""
    limit = int(limit_mb * _MB)
    try:
        return await read_body(request, limit)
    except BodyTooLarge as error:
        fault = f"over {limit} bytes" if error.size is None else f"{error.size} bytes, at most {limit}"
        raise PayloadTooLarge(f"body: {fault}") from error


async def _unless_hung_up(request: Request, answering: "asyncio.Task[Reply]") -> Reply:
    """Returns the answer. When the caller hangs up first, cancels the work and raises `ClientDisconnect`."""
    leaving = asyncio.ensure_future(request.receive())  # after the body, the next message is the hang-up
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
        return answering.result()
    finally:
        answering.cancel()
        leaving.cancel()
