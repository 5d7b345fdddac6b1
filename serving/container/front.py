"""The front process, which implements SageMaker's container contract over HTTP.

It never imports torch, so it can always respond.
"""

import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from serving.codec import JSON
from serving.errors import NotFound, Problem
from serving.feature import Feature
from serving.http import PAGE_HEADERS, page_policy
from serving.logs import log_as_json
from serving.pages import tool_files
from serving.service import problem
from serving.settings import Settings

from .feature_server import FeatureServer, reply_to, request_id_of, server_for
from .metrics import CONTENT_TYPE, Metrics
from .multi_model import Models

_BATCH_PAYLOAD_MB = 6  # SageMaker allows at most 100 for this times the concurrency
_TRANSFORMS = 16
_KEEP_ALIVE_S = 75  # longer than load balancers keep an idle connection
# a tool opens images of the user and calls any endpoint that the user names
_TOOL_HEADERS = PAGE_HEADERS | page_policy(connect="http: https:")


class Front:
    """The HTTP application of a container, which passes requests to the servers of its features."""

    def __init__(self, features: Sequence[Feature], settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._servers = {
            feature.name: FeatureServer(
                feature,
                _settings_of(feature, settings, alone=len(features) == 1),
                self._metrics,
                on_fatal=self._give_up,
            )
            for feature in features
        }
        # the files are listed once, so a path that a caller invents can name no other file
        self._tools = {
            file.name.removesuffix(".html"): file for feature in features for file in tool_files(feature)
        }
        self._models = Models(settings, self._metrics) if settings.multi_model else None
        self._server = uvicorn.Server(self._config())
        self._exit_code = 0

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT, finishes the requests in flight, and returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises the signal again after it has stopped; it is ignored, because run() returns then
            signal.signal(number, lambda *_: None)
        self._server.run()
        return self._exit_code if self._server.started else self._exit_code or 1

    def app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                for server in self._servers.values():
                    await stack.enter_async_context(server)
                if self._models:
                    await stack.enter_async_context(self._models)
                yield

        return Starlette(
            routes=[
                Route("/ping", self.ping),
                Route("/invocations", self.invocations, methods=["POST"]),
                Route("/invocations/{feature}", self.invocations, methods=["POST"]),
                Route("/execution-parameters", self.execution_parameters),
                Route("/metrics", self.metrics),
                Route("/tools/{name}", self.tools),
                *(self._models.routes() if self._models else ()),
            ],
            exception_handlers={HTTPException: _http_problem},
            lifespan=lifespan,
        )

    @property
    def ready(self) -> bool:
        """True when every feature that the container started with accepts new requests."""
        return all(server.ready for server in self._servers.values()) and not self._server.should_exit

    async def ping(self, _: Request) -> Response:
        return Response(status_code=HTTPStatus.OK if self.ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def execution_parameters(self, _: Request) -> Response:
        """Returns the parameters that SageMaker uses for batch transform."""
        concurrency = min([_TRANSFORMS, *(server.concurrency for server in self._servers.values())])
        return JSONResponse(
            {
                "MaxConcurrentTransforms": concurrency,
                "BatchStrategy": "SINGLE_RECORD",
                "MaxPayloadInMB": _BATCH_PAYLOAD_MB,
            }
        )

    async def metrics(self, _: Request) -> Response:
        for server in (*self._servers.values(), *(self._models.servers if self._models else ())):
            server.measure(ready=self.ready)
        return Response(self._metrics.render(), media_type=CONTENT_TYPE)

    async def tools(self, request: Request) -> Response:
        """Returns a file of a feature's folder tools/. The path names a page without its suffix .html."""
        file = self._tools.get(request.path_params["name"])
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, headers=_TOOL_HEADERS)

    async def invocations(self, request: Request) -> Response:
        request_id = request_id_of(request)
        try:
            server = server_for(self._servers, request)
        except NotFound as error:
            return reply_to(request, request_id, problem(error, request_id))
        reply = await server.invoke(request, request_id, stopping=self._server.should_exit)
        return reply_to(request, request_id, reply)

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


def _settings_of(feature: Feature, settings: Settings, *, alone: bool) -> Settings:
    """Returns the settings of one server. With several features, each has a subfolder of the model folder."""
    folder = settings.model_dir if alone else settings.model_dir / feature.name
    return msgspec.structs.replace(settings, feature=feature.module, model_dir=folder)


async def _http_problem(request: Request, error: Exception) -> Response:
    """Returns the problem body for an unknown path or method."""
    status = HTTPStatus(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR))
    detail = f"{request.method} {request.url.path}: {status.phrase.lower()}"
    body = Problem(status, status.phrase.lower().replace(" ", "_"), detail, request_id_of(request))
    return Response(msgspec.json.encode(body), status, getattr(error, "headers", None), media_type=JSON)


def serve(features: Sequence[Feature], settings: Settings) -> int:
    """Runs the container process of one feature or several, and returns the exit code."""
    log_as_json(settings.log_level)
    return Front(features, settings).run()
