"""Runs servers in a thread of the test's process."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from http.server import HTTPServer
from threading import Thread
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from deploy.local.fleet.fleet import Fleet

S = TypeVar("S", bound=HTTPServer)


@contextmanager
def http_server(server: S) -> Iterator[S]:
    """Serves requests while the context lasts, and closes the server at its end."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def fleet_server(fleet: Fleet, routes: Callable[[int], Sequence[BaseRoute]]) -> Iterator[str]:
    """Serves routes of the fleet, and yields the address. routes: a function of the port."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with fleet:
            yield

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = Starlette(routes=routes(port), lifespan=lifespan)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
