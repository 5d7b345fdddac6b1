"""One feature of a container: its admission, deadlines, hang-ups and counters around its model processes."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Self

from starlette.requests import ClientDisconnect, Request

from serving.errors import DeadlineExceeded, NotFound, Overloaded, PayloadTooLarge, ServingError, Unavailable
from serving.feature import Feature
from serving.http import CLIENT_CLOSED_REQUEST, CUSTOM_ATTRIBUTES, TARGET_MODEL, BodyTooLarge, read_body
from serving.logs import log_invocation
from serving.service import Reply, problem
from serving.settings import Settings

from .channel import Call
from .metrics import Metrics
from .supervisor import Supervisor

_MB = 1 << 20
_REFUSAL_S = 0.25  # callers that try again at once would leave no time for /ping


class FeatureServer:
    """Use as `async with FeatureServer(...)`. on_fatal: as of `Supervisor`."""

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
        """Whether some model process would take a call up now."""
        return self._supervisor.ready

    @property
    def concurrency(self) -> int:
        """Requests at once that keep the model processes busy."""
        return 2 * self.feature.batching.max_size * self._settings.processes

    def measure(self, *, ready: bool) -> None:
        """Note what changes without requests. ready: as `/ping` says."""
        self._metrics.measure(ready=ready, queue_length=self._supervisor.queue_length)

    async def invoke(self, request: Request, request_id: str, *, stopping: bool) -> Reply:
        """Answer one request. Never raises; who hung up gets an empty reply of status 499."""
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
        """Raises `ServingError` and `ClientDisconnect`."""
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
        """The reply of a model process, unless the caller hangs up before."""
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


def server_for(servers: Mapping[str, FeatureServer], request: Request) -> FeatureServer:
    """The one that a request is for. Raises `NotFound`.

    Named by the path, else by the target model, else by `feature=NAME` among the custom attributes; where
    there is but one server, only the path counts. Any of a feature's names will do.
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
    """The answer, or `ClientDisconnect` as soon as nobody waits for it; then the work is cancelled."""
    leaving = asyncio.ensure_future(request.receive())  # the body is read: the next message says good-bye
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
        return answering.result()
    finally:
        answering.cancel()
        leaving.cancel()
