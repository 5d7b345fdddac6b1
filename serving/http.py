"""Facts that several transports share: the bounded body, statuses, SageMaker's headers, headers of pages.

This module imports only the standard library, because the Lambda functions carry a copy of it.
"""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request

Json = dict[str, Any]
"""A JSON object."""

CLIENT_CLOSED_REQUEST = 499
"""Status for a caller that hung up, used in logs and counters. nginx introduced it."""

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"

CORS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = CORS | {
    "Access-Control-Allow-Methods": "OPTIONS,POST",
    "Access-Control-Allow-Headers": "Accept,Authorization,Content-Type,X-Amz-Date,"
    "X-Amz-Security-Token,X-Api-Key,X-Request-Id",
    "Access-Control-Max-Age": "86400",
}

LAMBDA_REPLY_BYTES = 6_291_556
"""Largest number of bytes of JSON that a Lambda function may return."""

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_policy(
    *, script: str = "'self'", style: str = "'self'", img: str = "blob: data:", connect: str = "'self'"
) -> dict[str, str]:
    """Returns the header `Content-Security-Policy` of a page that may use only these sources."""
    sources = {"script-src": script, "style-src": style, "img-src": img, "connect-src": connect}
    closed = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    allowed = "; ".join(f"{kind} {source}" for kind, source in sources.items())
    return {"Content-Security-Policy": f"default-src 'none'; {allowed}; {closed}"}


def header(headers: Mapping[str, str], name: str) -> str:
    """Returns the value of the header with this lower-case name, or ""; the names may be in any case."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


class BodyTooLarge(Exception):
    """The body of a request is over the limit. size: bytes that the caller announced, or None."""

    def __init__(self, size: int | None) -> None:
        super().__init__(size)
        self.size = size


async def read_body(request: "Request", limit: int) -> bytes:
    """Returns the body of at most `limit` bytes.

    Raises `BodyTooLarge` as soon as the body is known to be larger, and starlette's `ClientDisconnect`.
    """
    announced = int(request.headers.get("content-length", 0))
    if announced > limit:
        raise BodyTooLarge(announced)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(None)
    return bytes(body)


def free_port() -> int:
    """Returns a TCP port of this machine on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
