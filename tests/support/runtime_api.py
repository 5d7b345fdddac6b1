"""A simulated Lambda: the Runtime API that the real runtime client calls for events."""

import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.paths import ROOT
from tests.support.servers import http_server


class Outcome(NamedTuple):
    """A result that the runtime client posted. path: ends with `response`, `error` or `init/error`."""

    path: str
    payload: Any


class RuntimeApi(ThreadingHTTPServer):
    """A Runtime API that returns events one by one, and collects the results."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApiCalls)
        self.events: queue.Queue[tuple[Any, float] | None] = queue.Queue()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()

    def invoke(self, event: Any, within_s: float = 30) -> Outcome:
        self.events.put((event, within_s))
        return self.outcomes.get(timeout=20)


class _RuntimeApiCalls(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        if (waiting := self.server.events.get()) is None:
            return
        body = json.dumps(waiting[0]).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "from-lambda")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + waiting[1]) * 1000)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(HTTPStatus.ACCEPTED)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.outcomes.put(Outcome(self.path.partition("/runtime/")[2], payload))

    def log_message(self, *_: object) -> None: ...


@contextmanager
def function(feature: str, **environment: str) -> Iterator[tuple[RuntimeApi, "subprocess.Popen[bytes]"]]:
    """Starts a Lambda function as its container does, with a home folder that is not writable."""
    command = [sys.executable, "-m", "awslambdaric", "serving.aws_lambda.handler"]
    with http_server(RuntimeApi()) as api:
        defaults = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}", "HOME": "/nonexistent"}
        environment = {"PATH": os.environ["PATH"], "AIKIT_FEATURE": feature, **defaults, **environment}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
            yield api, process
            process.kill()
        api.events.put(None)
