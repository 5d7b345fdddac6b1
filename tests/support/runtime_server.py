"""A simulated sagemaker-runtime for boto3."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import NamedTuple

from .servers import http_server

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Request(NamedTuple):
    """A request that the server received. headers: by name in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """A reply of the server. error: the name of an error, empty for a reply of the container."""

    status: int
    body: bytes
    content_type: str = "application/json"
    error: str = ""


Answering = Callable[[Request], Reply]


def refused(status: int, error: str, **members: object) -> Reply:
    """Returns an error of SageMaker itself."""
    return Reply(status, json.dumps(members).encode(), error=error)


def model_error(status: int, body: str) -> Reply:
    """Returns the error for a container's reply with a status other than 2xx, or 0 for a timeout."""
    return refused(
        424, "ModelError", Message=f"Received {status}", OriginalStatusCode=status, OriginalMessage=body
    )


class RuntimeServer(ThreadingHTTPServer):
    """A server that replies with the function `answering`.

    requests: those that it received so far. released: the event that ends `hang`.
    """

    def __init__(self) -> None:
        self.answering: Answering = lambda _: Reply(200, b"{}")
        self.requests: list[Request] = []
        self.released = Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def hang(self, _: Request) -> Reply:
        """An `answering` function that waits until `released` is set, for callers with a timeout."""
        self.released.wait(10)
        return Reply(200, b"{}")

    def handle_error(self, *_: object) -> None:
        """Prints nothing about callers that have hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        self.server.requests.append(request)
        reply = self.server.answering(request)
        self.send_response(reply.status)
        if reply.error:
            self.send_header("x-amzn-ErrorType", reply.error)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@contextmanager
def running() -> Iterator[RuntimeServer]:
    with http_server(RuntimeServer()) as server:
        try:
            yield server
        finally:
            server.released.set()
