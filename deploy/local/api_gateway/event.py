"""Conversion of HTTP requests into Lambda proxy events (payload version 1.0), and of answers into HTTP."""

import base64
import binascii
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from deploy.local.options import ACCOUNT
from serving.codec import JSON
from serving.http import Json

from .refusal import Refused

_ANSWER_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


def media_type(header: str) -> str:
    """Returns the first media type of a `Content-Type` or `Accept` header, without its parameters."""
    return header.partition(",")[0].partition(";")[0].strip().lower()


class CallContext(NamedTuple):
    """The facts of a call that are not in its HTTP request. caller: the result of the authorisation."""

    request_id: str
    stage: str
    caller: Json


def event(request: Request, body: bytes, call: CallContext, binary: Collection[str]) -> Json:
    """Returns the event of a request. binary: the media types with bodies in base64."""
    encoded = media_type(request.headers.get("content-type", JSON)) in binary
    text = base64.b64encode(body).decode() if encoded else body.decode(errors="replace")
    resource = request.url.path.removeprefix(f"/{call.stage}")
    headers = _lists(request.headers.items() + _forwarded(request))
    query = _lists(request.query_params.multi_items())
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": _context(request, call, resource),
        "body": text or None,
        "isBase64Encoded": encoded and bool(body),
    }


def _context(request: Request, call: CallContext, resource: str) -> Json:
    now = time.time()
    identity = {
        "sourceIp": request.client.host if request.client else "",
        "userAgent": request.headers.get("user-agent"),
        "accessKey": None,
        "accountId": None,
        "caller": None,
        "user": None,
        "userArn": None,
    }
    return {
        "accountId": ACCOUNT,
        "apiId": "local",
        "stage": call.stage,
        "resourcePath": resource,
        "path": request.url.path,
        "httpMethod": request.method,
        "protocol": f"HTTP/{request.scope['http_version']}",
        "domainName": request.url.hostname,
        "requestId": call.request_id,
        "extendedRequestId": call.request_id,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "identity": identity | call.caller,
    }


def _forwarded(request: Request) -> list[tuple[str, str]]:
    return [
        ("X-Forwarded-For", request.client.host if request.client else ""),
        ("X-Forwarded-Port", str(request.url.port or 80)),
        ("X-Forwarded-Proto", request.url.scheme),
    ]


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _last(lists: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in lists.items()}


def response(answer: Any, *, accept: str, binary: Collection[str], request_id: str) -> Response:
    """Returns the HTTP response for a function's answer. Raises `Refused` for an answer of the wrong shape.

    As in API Gateway, base64 is decoded only if the first media type that the caller accepts is a binary one.
    Other callers receive the base64.
    """
    if not _well_formed(answer):
        raise Refused("DEFAULT_5XX")
    body = (answer.get("body") or "").encode()
    if answer.get("isBase64Encoded") and media_type(accept) in binary:
        try:
            body = binascii.a2b_base64(body, strict_mode=True)
        except binascii.Error as error:
            raise Refused("API_CONFIGURATION_ERROR") from error
    made = Response(body, int(answer["statusCode"]))
    for name, values in _headers(answer).items():
        made.headers[name] = values[0]
        for value in values[1:]:
            made.headers.append(name, value)
    made.headers["x-amzn-RequestId"] = request_id
    made.headers.setdefault("content-type", JSON)
    return made


def _headers(answer: Json) -> dict[str, list[str]]:
    """Returns the headers of an answer. `multiValueHeaders` have priority over `headers`."""
    single = {name.lower(): [str(value)] for name, value in (answer.get("headers") or {}).items()}
    several = (answer.get("multiValueHeaders") or {}).items()
    return single | {name.lower(): [str(value) for value in values] for name, values in several}


def _well_formed(answer: Any) -> bool:
    if not isinstance(answer, dict) or not answer.keys() <= _ANSWER_KEYS:
        return False
    status = str(answer.get("statusCode", ""))
    headers, several = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    return (
        status.isdecimal()
        and 100 <= int(status) <= 599
        and isinstance(answer.get("body"), str | None)
        and isinstance(answer.get("isBase64Encoded", False), bool)
        and isinstance(headers, dict)
        and all(isinstance(value, str | int | float) for value in headers.values())
        and isinstance(several, dict)
        and all(isinstance(values, list) and values for values in several.values())
    )
