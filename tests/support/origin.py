"""A local server of weight files, and features that download their files from it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from serving.feature import Feature, Profile, Source, Url, WeightFile
from serving.weights import Store
from serving.weights.sources import Mirrors

from .servers import http_server

GOOD = bytes(range(256)) * 4096
BAD = b"not what was declared"
COMMIT = "c0ffee" * 6 + "c0ff"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Answer(NamedTuple):
    """A reply of the server. truncated: the connection closes before the announced length is sent."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012
    truncated: bool = False


class Server(ThreadingHTTPServer):
    """A server that replies by path. asked, credentials: the paths and credentials of requests, in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.credentials: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.credentials.append(self.headers["Authorization"])
        answer = self.server.answers.get(self.path, Answer(status=404))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + answer.truncated))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@contextmanager
def running() -> Iterator[Server]:
    with http_server(Server()) as server:
        yield server


def store_in(folder: Path, server: Server) -> Store:
    """Returns a store with the subfolders cache, model and mirror. Its hub is the server."""
    cache, model, mirror = (folder / name for name in ("cache", "model", "mirror"))
    return Store(cache_dir=cache, model_dir=model, mirror=mirror, mirrors=Mirrors(hub=server.address))


def weight(*sources: Source, sha256: str | None = sha256(GOOD), **given: Any) -> WeightFile:
    return WeightFile(
        **{"name": "net.onnx", "license": "MIT", "origin": "Somebody"} | given,
        sources=sources,
        sha256=sha256,
    )


def feature(*files: WeightFile, profile: str = "lite") -> Feature:
    return Feature(
        module="containers.toy.feature",
        feature_id="Toy",
        title="Toy",
        title_zh="玩具",
        summary="For tests.",
        request=dict,
        response=dict,
        requires=("rapidocr>=3.10,<3.11",),
        profiles={profile: Profile(files=files, summary="Toy weights.", verified=False)},
    )


def downloaded(server: Server, answer: Answer | None = None, **given: Any) -> Feature:
    """Returns a feature with one file at a pinned address."""
    server.answers["/net.onnx"] = answer or Answer(GOOD)
    return feature(weight(Url(address=f"{server.address}/net.onnx"), **given))


def cached(store: Store, content: bytes = GOOD, suffix: str = ".onnx") -> Path:
    """Returns the place of a file in the cache of the store."""
    return store.cache_dir / "files" / f"{sha256(content)}{suffix}"


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
