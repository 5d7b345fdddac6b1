"""The application of the local stack, which serves everything on one port."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.container.metrics import CONTENT_TYPE

from .api_gateway.api import api_routes
from .explorer.explorer import explorer_routes
from .fleet.fleet import Fleet
from .options import Options
from .runtime.locations import Locations
from .runtime.runtime import runtime_routes


def app(fleet: Fleet, options: Options) -> Starlette:
    """Returns the application. fleet: the caller enters and leaves its context."""

    async def ping(_: Request) -> Response:
        return Response()

    async def metrics(_: Request) -> Response:
        return Response(await fleet.metrics(), media_type=CONTENT_TYPE)

    outputs = options.outputs if options.outputs.startswith("s3://") else Path(options.outputs)
    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/metrics", metrics),
            *runtime_routes(fleet, options, locations=Locations(options.inputs, outputs)),
            *explorer_routes(fleet, options),
            *api_routes(fleet, options),  # last, because these routes match every path
        ]
    )
