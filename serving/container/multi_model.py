"""SageMaker's multi-model contract: features are loaded and unloaded while the container runs.

The folder of a model contains `aikit.json`, such as {"feature": "face_detection", "profile": "lite"}. It may
also contain weight files of the feature, which take precedence over the container's own.
"""

import asyncio
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Self

import msgspec
import psutil
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import InvalidRequest, NotFound, ServingError
from serving.feature import find
from serving.service import problem
from serving.settings import Settings

from .feature_server import FeatureServer, reply_to, request_id_of
from .metrics import Metrics

LOAD_S = 350.0  # SageMaker waits for 360 seconds
_POLL_S = 0.05
_PAGE_SIZE = 100  # models per page of the list


class AlreadyLoaded(ServingError):
    """A model with this name is already loaded."""

    status, code = HTTPStatus.CONFLICT, "already_loaded"


class OutOfMemory(ServingError):
    """Another model has to be unloaded first. SageMaker does that and retries."""

    status, code = HTTPStatus.INSUFFICIENT_STORAGE, "out_of_memory"


class _Load(msgspec.Struct):
    model_name: str
    url: str


class _Declaration(msgspec.Struct):
    """The content of aikit.json."""

    feature: str
    profile: str | None = None


class Loaded:
    """A loaded model: its address, its server, and the exit stack that stops the server."""

    def __init__(self, url: str, server: FeatureServer) -> None:
        self.url, self.server = url, server
        self.stack = AsyncExitStack()


class Models:
    """The models that are loaded at the moment. Use it as `async with Models(...)`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._loaded: dict[str, Loaded] = {}
        self._loading: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for name in list(self._loaded):
            await self._loaded.pop(name).stack.aclose()

    def routes(self) -> list[Route]:
        return [
            Route("/models", self.load, methods=["POST"]),
            Route("/models", self.list),
            Route("/models/{name}", self.show),
            Route("/models/{name}", self.unload, methods=["DELETE"]),
            Route("/models/{name}/invoke", self.invoke, methods=["POST"]),
        ]

    @property
    def servers(self) -> list[FeatureServer]:
        return [model.server for model in self._loaded.values()]

    async def load(self, request: Request) -> Response:
        """Loads a model; 200 means that it has answered its example. 409 and 507 are as in the contract."""
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Load)
            await self._load(wanted.model_name, wanted.url)
        except msgspec.DecodeError as error:
            return _refusal(request, InvalidRequest(f"body: {error}"))
        except ServingError as error:
            return _refusal(request, error)
        return JSONResponse({"modelName": wanted.model_name})

    async def list(self, request: Request) -> Response:
        names = sorted(self._loaded)
        token = request.query_params.get("next_page_token", "")
        rest = [name for name in names if name > token]
        page: dict[str, object] = {"models": [self._described(name) for name in rest[:_PAGE_SIZE]]}
        if len(rest) > _PAGE_SIZE:
            page["nextPageToken"] = rest[_PAGE_SIZE - 1]
        return JSONResponse(page)

    async def show(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse(self._described(name)) if name in self._loaded else _unknown(request)

    async def unload(self, request: Request) -> Response:
        """Unloads a model. The status is 200 when its memory is free again."""
        model = self._loaded.pop(request.path_params["name"], None)
        if model is None:
            return _unknown(request)
        await model.stack.aclose()
        return Response()

    async def invoke(self, request: Request) -> Response:
        model = self._loaded.get(request.path_params["name"])
        if model is None:
            return _unknown(request)
        request_id = request_id_of(request)
        return reply_to(request, request_id, await model.server.invoke(request, request_id, stopping=False))

    def _described(self, name: str) -> dict[str, str]:
        return {"modelName": name, "modelUrl": self._loaded[name].url}

    async def _load(self, name: str, url: str) -> None:
        if name in self._loaded or name in self._loading:
            raise AlreadyLoaded(f"model_name: {name!r} is loaded, or being loaded")
        self._loading.add(name)
        try:
            self._loaded[name] = await self._started(Path(url))
        finally:
            self._loading.discard(name)

    async def _started(self, folder: Path) -> Loaded:
        """Starts the server of the model in a folder and waits until it is ready. Raises `ServingError`."""
        try:
            declared = msgspec.json.decode((folder / "aikit.json").read_bytes(), type=_Declaration)
        except (OSError, msgspec.DecodeError) as error:
            raise InvalidRequest(f"url: {folder}/aikit.json: {error}") from error
        feature = find(declared.feature)
        needed_mb, free_mb = feature.resources.memory_mb, psutil.virtual_memory().available / 1e6
        if free_mb < needed_mb:
            raise OutOfMemory(f"{feature.name}: needs {needed_mb} MB, {free_mb:.0f} MB are free")
        settings = msgspec.structs.replace(
            self._settings, feature=feature.module, profile=declared.profile, model_dir=folder
        )
        ended: list[int] = []
        model = Loaded(str(folder), FeatureServer(feature, settings, self._metrics, on_fatal=ended.append))
        await model.stack.enter_async_context(model.server)
        try:
            async with asyncio.timeout(LOAD_S):
                while not model.server.ready:
                    if ended:
                        raise InvalidRequest(
                            f"url: {folder}: {feature.name} ended with {ended[0]}; see the log"
                        )
                    await asyncio.sleep(_POLL_S)
        except BaseException:
            await model.stack.aclose()
            raise
        return model


def _unknown(request: Request) -> Response:
    return _refusal(request, NotFound(f"model: no {request.path_params['name']!r} is loaded"))


def _refusal(request: Request, error: ServingError) -> Response:
    request_id = request_id_of(request)
    return reply_to(request, request_id, problem(error, request_id))
