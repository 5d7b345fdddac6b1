"""The API Explorer: a page that calls the running features, and the documents that it reads."""

import importlib.util
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from deploy.cloudformation.openapi import SCHEMES
from deploy.local.fleet.fleet import Fleet
from deploy.local.options import Options
from serving.feature import Feature
from serving.http import PAGE_HEADERS, Json, page_policy
from serving.openapi import document
from serving.pages import LANGUAGE

_STATIC = Path(__file__).with_name("static")
# the page shows its own examples, and images that the user opens
_HEADERS = PAGE_HEADERS | page_policy(img="'self' blob: data:")
# Swagger UI sets styles on its elements
_SWAGGER_HEADERS = PAGE_HEADERS | page_policy(img="'self' blob: data:", style="'self' 'unsafe-inline'")
_SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
_NO_SWAGGER = "Swagger UI is not installed: install the package swagger-ui-py."
_SCHEMES = {"iam": SCHEMES["signature"], "key": SCHEMES["key"]}


def explorer_routes(fleet: Fleet, options: Options) -> list[BaseRoute]:
    """Returns the routes of the page `/` with the documents that it reads, and of `/swagger`."""
    explorer = Explorer(fleet, options)
    return [
        Route("/", explorer.page),
        Route("/static/{name}", explorer.static),
        Route("/openapi.json", explorer.openapi),
        Route("/states.json", explorer.states),
        Route("/examples/{feature}", explorer.example),
        Route("/examples/{feature}/{name}", explorer.example_file),
        Route("/swagger", explorer.swagger),
    ]


class Explorer:
    """The handlers of the page's files and documents. The page itself calls the features."""

    def __init__(self, fleet: Fleet, options: Options) -> None:
        self._fleet = fleet
        self._openapi = _callable_at(document(list(fleet.features.values())), options)
        # only files of this list are served, so that a made-up path cannot reach any other file
        own = {file.name: file for file in (*_STATIC.iterdir(), LANGUAGE)}
        self._files = own | _swagger_files()

    async def page(self, _: Request) -> Response:
        return FileResponse(_STATIC / "explorer.html", headers=_HEADERS)

    async def swagger(self, _: Request) -> Response:
        if not self._files.keys() >= {*_SWAGGER_FILES}:
            return PlainTextResponse(_NO_SWAGGER, HTTPStatus.NOT_FOUND)
        return FileResponse(_STATIC / "swagger.html", headers=_SWAGGER_HEADERS)

    async def static(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, headers=_HEADERS)

    async def openapi(self, _: Request) -> Response:
        return JSONResponse(self._openapi)

    async def states(self, _: Request) -> Response:
        return JSONResponse([state._asdict() for state in self._fleet.states()])

    async def example(self, request: Request) -> Response:
        """Returns the feature's example.json, in which "@photo.jpg" stands for `/examples/…/photo.jpg`."""
        return FileResponse(self._feature(request).folder / "example.json", headers=_HEADERS)

    async def example_file(self, request: Request) -> Response:
        feature, name = self._feature(request), request.path_params["name"]
        if name not in _files_of(json.loads((feature.folder / "example.json").read_bytes())):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(feature.folder / name, headers=_HEADERS)

    def _feature(self, request: Request) -> Feature:
        feature = self._fleet.find(request.path_params["feature"])
        if feature is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return feature


def _callable_at(api: Json, options: Options) -> Json:
    """Returns the OpenAPI document with the address of the stage and the authorisation of callers."""
    scheme = _SCHEMES.get(options.auth)
    return {
        **api,
        "servers": [{"url": f"/{options.stage}"}],
        "security": [{"caller": []}] if scheme else [],
        "components": {**api["components"], **({"securitySchemes": {"caller": scheme}} if scheme else {})},
    }


def _files_of(example: Any) -> Iterator[str]:
    """Yields the names of the files that an example refers to by "@name"."""
    match example:
        case dict() | list():
            for part in example.values() if isinstance(example, dict) else example:
                yield from _files_of(part)
        case str() if example.startswith("@"):
            yield example[1:]


def _swagger_files() -> dict[str, Path]:
    """Returns the files of the package swagger-ui-py, without importing it; none if it is not installed."""
    spec = importlib.util.find_spec("swagger_ui")
    folders = [Path(folder) / "static" for folder in (spec.submodule_search_locations or ())] if spec else []
    files = [folder / name for folder in folders for name in _SWAGGER_FILES]
    return {file.name: file for file in files if file.is_file()}
