"""A local web server. The path of a request selects a good or a bad behaviour."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from .servers import http_server

BODY = b"\x89PNG and so on"


class Site(BaseHTTPRequestHandler):
    """A handler with a method `send_…` for each behaviour. seen: the headers of the requests so far."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        page, _, argument = self.path[1:].partition("/")
        getattr(self, f"send_{page}")(argument)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_image(self, _: str) -> None:
        self.reply(200, BODY)

    def send_path(self, _: str) -> None:
        self.reply(200, self.path.encode())

    def send_where(self, _: str) -> None:
        self.reply(200, str(self.connection.getsockname()[0]).encode())

    def send_status(self, status: str) -> None:
        self.reply(int(status), b"secret")

    def send_to(self, location: str) -> None:
        self.reply(302, Location=location)

    def send_hops(self, left: str) -> None:
        self.reply(307, Location="/image" if left == "1" else f"/hops/{int(left) - 1}")

    def send_nowhere(self, _: str) -> None:
        self.reply(301)

    def send_astray(self, _: str) -> None:
        self.reply(302, Location="http://[bad/")

    def send_zipped(self, _: str) -> None:
        self.reply(200, BODY, Content_Encoding="gzip")

    def send_huge(self, _: str) -> None:
        self.reply(200, Content_Length="1000000000000")

    def send_endless(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.drip(bytes(65536), every_s=0)

    def send_drip(self, _: str) -> None:
        self.reply(200, Content_Length="1000")
        self.drip(b"x", every_s=0.05)

    def send_slowheader(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.drip(b"x", every_s=0.05)

    def send_silence(self, _: str) -> None:
        self.connection.recv(1)  # waits until the caller hangs up

    def send_cut(self, _: str) -> None:
        self.reply(200, BODY, Content_Length="1000")

    def send_rubbish(self, _: str) -> None:
        self.wfile.write(b"220 mail.example.org ESMTP\r\n")

    def drip(self, piece: bytes, every_s: float) -> None:
        self.connection.settimeout(max(every_s, 0.001))
        try:
            while True:
                self.wfile.write(piece)
                try:
                    if not self.connection.recv(1):
                        return
                except TimeoutError:
                    continue
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""


@contextmanager
def site(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Runs a server, and yields its port."""
    server = ThreadingHTTPServer((host, 0), Site)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    with http_server(server):
        yield server.server_port
