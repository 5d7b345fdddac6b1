"""Adapter for AWS Lambda: `AIKIT_FEATURE=general_ocr python -m awslambdaric serving.aws_lambda.handler`.

Events of API Gateway (REST and HTTP), function URLs and load balancers always get a proxy response. Any
other event is a direct call, `boto3.client("lambda").invoke(Payload=…)`. Its payload is the JSON request
itself, and its result is the JSON response itself. When a direct call fails, boto3's result has
`FunctionError`, and `errorMessage` contains the problem body.
"""

import asyncio
import base64
import binascii
import json
import logging
import math
import os
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from serving.codec import JSON
from serving.errors import InvalidRequest, PayloadTooLarge, ServingError
from serving.feature import find
from serving.http import CORS, LAMBDA_REPLY_BYTES, PREFLIGHT, header
from serving.logs import log_as_json, log_invocation
from serving.service import Reply, Service, problem
from serving.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

MARGIN_S = 0.5  # before Lambda's own timeout, which also ends the process

_PROXY_KEYS = {"requestContext", "httpMethod", "body"}


class InvocationFailed(Exception):
    """A direct call has failed; the message is the problem body."""


class Context(Protocol):
    """The used part of Lambda's second argument."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class _Http(msgspec.Struct, frozen=True):
    method: str = ""


class _RequestContext(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str = ""
    http: _Http = _Http()


class ProxyEvent(msgspec.Struct, frozen=True, rename="camel"):
    """The common part of proxy events of version 1.0, of version 2.0 and of load balancers."""

    http_method: str = ""
    headers: dict[str, str] | None = None
    multi_value_headers: dict[str, list[str]] | None = None
    request_context: _RequestContext = _RequestContext()
    body: str | None = None
    is_base64_encoded: bool = False

    @property
    def method(self) -> str:
        return self.http_method or self.request_context.http.method

    def header(self, name: str) -> str:
        """Returns the value of the header with this lower-case name, or ""."""
        several = {key: ", ".join(values) for key, values in (self.multi_value_headers or {}).items()}
        return header({**(self.headers or {}), **several}, name)

    def content(self) -> bytes:
        """Returns the body as the caller sent it. Raises `InvalidRequest`."""
        text = self.body or ""
        if not self.is_base64_encoded:
            return text.encode(errors="surrogatepass")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError as error:
            raise InvalidRequest(f"body: isBase64Encoded is set, but {str(error).lower()}") from error


class Handler:
    """Answers events with a started `service`, on the event loop of `runner`.

    hang_s: when the model has worked on one batch for longer than this, the process ends at the next event.
    Lambda then starts a new process.
    """

    def __init__(self, service: Service, runner: asyncio.Runner, *, hang_s: float = math.inf) -> None:
        self._service = service
        self._runner = runner
        self._hang_s = hang_s

    def __call__(self, event: Any, context: Context) -> Any:
        """Answers one event. Raises `InvocationFailed`, for direct calls only."""
        if self._service.busy_s > self._hang_s:
            log.critical("the model has hung for %.0f s; ending the process", self._service.busy_s)
            os._exit(os.EX_SOFTWARE)  # a plain exit would wait for the hung thread
        if isinstance(event, dict) and _PROXY_KEYS & event.keys():
            return self._proxy(event, context)
        return self._direct(event, context)

    def _proxy(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        request_id = context.aws_request_id
        try:
            request = msgspec.convert(event, ProxyEvent)
            request_id = request.request_context.request_id or request.header("x-request-id") or request_id
            if request.method == "OPTIONS":
                return _answer(HTTPStatus.NO_CONTENT, PREFLIGHT)
            content_type, accept = request.header("content-type"), request.header("accept")
            reply = self._invoke(request.content(), content_type, accept, request_id, context)
            return _checked(proxy_answer(reply, request_id))
        except msgspec.ValidationError as error:
            return proxy_answer(problem(InvalidRequest(f"event: {error}"), request_id), request_id)
        except ServingError as error:
            return proxy_answer(problem(error, request_id), request_id)

    def _direct(self, event: object, context: Context) -> Any:
        request_id = context.aws_request_id
        reply = self._invoke(msgspec.json.encode(event), JSON, JSON, request_id, context)
        if reply.status != HTTPStatus.OK:
            raise InvocationFailed(reply.body.decode())
        try:
            return _checked(msgspec.json.decode(reply.body))
        except PayloadTooLarge as error:
            raise InvocationFailed(problem(error, request_id).body.decode()) from error

    def _invoke(
        self, body: bytes, content_type: str, accept: str, request_id: str, context: Context
    ) -> Reply:
        left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S
        call = self._service.invoke(
            body, content_type, accept, request_id=request_id, deadline_s=max(left_s, 0.001)
        )
        start = time.monotonic()
        reply = self._runner.run(call)
        log_invocation(request_id, reply, time.monotonic() - start)
        return reply


def proxy_answer(reply: Reply, request_id: str) -> dict[str, Any]:
    """Returns a reply in the form that API Gateway accepts; it would turn any other form into a 502.

    A body that is not text is sent in base64.
    """
    headers = {**CORS, "Content-Type": reply.content_type, "X-Request-Id": request_id, **reply.headers}
    if reply.content_type == JSON or reply.content_type.startswith("text/"):
        return _answer(reply.status, headers, reply.body.decode())
    return _answer(reply.status, headers, base64.b64encode(reply.body).decode(), base64_encoded=True)


def _answer(
    status: int, headers: dict[str, str], body: str = "", *, base64_encoded: bool = False
) -> dict[str, Any]:
    return {"statusCode": int(status), "headers": headers, "body": body, "isBase64Encoded": base64_encoded}


def _checked(result: T) -> T:
    """Returns the result unchanged. Raises `PayloadTooLarge` when Lambda cannot carry it."""
    if (size := len(json.dumps(result))) > LAMBDA_REPLY_BYTES:  # awslambdaric also encodes to ASCII
        raise PayloadTooLarge(
            f"reply: {size} bytes, at most {LAMBDA_REPLY_BYTES} through Lambda; send a smaller image, "
            "request less, or call the feature's container directly, which has no such limit"
        )
    return result


def start() -> Handler:
    """Loads the feature and answers its example. Raises `ServingError`, which awslambdaric reports."""
    if not os.access(Path("~").expanduser(), os.W_OK):  # on Lambda only /tmp is writable
        os.environ["HOME"] = tempfile.gettempdir()
    settings = Settings.read()
    log_as_json(settings.log_level)
    runner = asyncio.Runner()
    service = Service.load(find(settings.feature), settings)
    return Handler(runner.run(service.__aenter__()), runner, hang_s=settings.hang_s)


def __getattr__(name: str) -> Handler:
    """Returns `handler`, which is made at its first access, in the init phase of Lambda.

    Importing the module therefore loads nothing.
    """
    if name != "handler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return start()
    except AttributeError as error:  # otherwise Lambda reports that the module has no handler
        raise RuntimeError(f"loading failed: {error}") from error
