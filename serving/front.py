"""The front process: SageMaker's container contract over HTTP. Never imports torch, so it always answers."""

import asyncio
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from .channel import Call
from .codec import JSON
from .errors import DeadlineExceeded, Overloaded, PayloadTooLarge, Problem, ServingError, Unavailable
from .feature import Feature
from .logs import log_as_json, log_invocation, ms
from .metrics import CONTENT_TYPE, Metrics
from .service import Reply, problem
from .settings import Settings
from .supervisor import Supervisor

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_HUNG_UP = 499  # for the log alone: nobody is there to read it
_MB = 1 << 20
_BATCH_PAYLOAD_MB = 6  # SageMaker multiplies it with the concurrency, 100 at most
_TRANSFORMS = 16
_REFUSAL_S = 0.25  # callers that try again at once would leave no time for /ping
_KEEP_ALIVE_S = 75  # longer than the load balancers in front keep an idle connection
_TOOL_HEADERS = {
    # its own scripts and styles, pictures the user opens, and whichever endpoint the user names
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src blob: data:; connect-src http: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Front:
    """HTTP, admission, deadlines and hang-ups around one feature's model processes."""

    def __init__(self, feature: Feature, settings: Settings) -> None:
        self._settings = settings
        self._batching = feature.batching
        # listed once: a path that a caller makes up names no file
        self._tools = {
            file.name.removesuffix(".html"): file for file in (feature.folder / "tools").glob("*.*")
        }
        self._admitted = 0
        self._metrics = Metrics(feature.name)
        self._supervisor = Supervisor(settings, on_restart=self._metrics.restarted, on_fatal=self._give_up)
        self._server = uvicorn.Server(self._config())
        self._exit_code = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then drain; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises what it caught once more after draining: here that means no more than the end
            signal.signal(number, lambda *_: None)
        self._server.run()
        return self._exit_code if self._server.started else self._exit_code or 1

    def app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self._supervisor:
                yield

        return Starlette(
            routes=[
                Route("/ping", self.ping),
                Route("/invocations", self.invocations, methods=["POST"]),
                Route("/execution-parameters", self.execution_parameters),
                Route("/metrics", self.metrics),
                Route("/tools/{name}", self.tools),
            ],
            exception_handlers={HTTPException: _http_problem},
            lifespan=lifespan,
        )

    @property
    def ready(self) -> bool:
        """Whether new work is welcome."""
        return self._supervisor.ready and not self._server.should_exit

    async def ping(self, _: Request) -> Response:
        return Response(status_code=HTTPStatus.OK if self.ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def execution_parameters(self, _: Request) -> Response:
        """For batch transform."""
        concurrency = min(_TRANSFORMS, 2 * self._batching.max_size * self._settings.processes)
        return JSONResponse(
            {
                "MaxConcurrentTransforms": concurrency,
                "BatchStrategy": "SINGLE_RECORD",
                "MaxPayloadInMB": _BATCH_PAYLOAD_MB,
            }
        )

    async def metrics(self, _: Request) -> Response:
        text = self._metrics.render(ready=self.ready, queue_length=self._supervisor.queue_length)
        return Response(text, media_type=CONTENT_TYPE)

    async def tools(self, request: Request) -> Response:
        """What the feature keeps in its folder tools/: pages, asked for without .html, and their assets."""
        file = self._tools.get(request.path_params["name"])
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, headers=_TOOL_HEADERS)

    async def invocations(self, request: Request) -> Response:
        start = time.monotonic()
        request_id = _request_id(request)
        self._metrics.in_flight.inc()
        try:
            reply = await self._answer(request, request_id)
        except ServingError as error:
            reply = problem(error, request_id)
        except ClientDisconnect:
            reply = Reply(_HUNG_UP, b"")
        finally:
            self._metrics.in_flight.dec()
        self._record(request_id, reply, time.monotonic() - start)
        return _response(request, request_id, reply)

    async def _answer(self, request: Request, request_id: str) -> Reply:
        """Raises `ServingError` and `ClientDisconnect`."""
        if not self.ready:
            raise Unavailable(
                "the container is stopping" if self._server.should_exit else "the model is not ready"
            )
        limit = self._supervisor.capacity + self._settings.processes * self._batching.max_size
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

    def _record(self, request_id: str, reply: Reply, seconds: float) -> None:
        self._metrics.count(reply.status, seconds, reply.stages)
        log_invocation(request_id, reply, seconds)

    def _give_up(self, code: int) -> None:
        self._exit_code = code
        self._server.should_exit = True

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app(),
            host="0.0.0.0",  # noqa: S104  (a container's port is for everyone who can reach the container)
            port=self._settings.port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(self._settings.grace_s),
        )


async def _read(request: Request, limit_mb: float) -> bytes:
    """The body. Raises `PayloadTooLarge` as soon as that is known, and `ClientDisconnect`."""
    limit = int(limit_mb * _MB)
    chunks, size = [], 0
    if int(request.headers.get("content-length", 0)) > limit:
        raise PayloadTooLarge(f"body: {int(request.headers['content-length'])} bytes, at most {limit}")
    async for chunk in request.stream():
        chunks.append(chunk)
        if (size := size + len(chunk)) > limit:
            raise PayloadTooLarge(f"body: over {limit} bytes")
    return b"".join(chunks)


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


def _request_id(request: Request) -> str:
    """The caller's own, where it gives one that can stand in a log."""
    given = request.headers.get("x-request-id") or request.headers.get("x-amzn-sagemaker-inference-id") or ""
    return given if re.fullmatch(r"[\w.:-]{1,128}", given) else uuid.uuid4().hex


def _response(request: Request, request_id: str, reply: Reply) -> Response:
    headers = {"X-Request-Id": request_id, **reply.headers}
    if (echo := request.headers.get(CUSTOM_ATTRIBUTES)) is not None:
        headers[CUSTOM_ATTRIBUTES] = echo
    if reply.stages:
        headers["Server-Timing"] = ", ".join(
            f"{name};dur={ms(seconds)}" for name, seconds in reply.stages.seconds().items()
        )
    return Response(reply.body, reply.status, headers, media_type=reply.content_type)


async def _http_problem(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the shape every error has."""
    status = HTTPStatus(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR))
    detail = f"{request.method} {request.url.path}: {status.phrase.lower()}"
    body = Problem(status, status.phrase.lower().replace(" ", "_"), detail, _request_id(request))
    return Response(msgspec.json.encode(body), status, getattr(error, "headers", None), media_type=JSON)


def serve(feature: Feature, settings: Settings) -> int:
    """Run the container process; the exit code."""
    log_as_json(settings.log_level)
    return Front(feature, settings).run()
