"""Replies as HTTP responses."""

import re
import uuid

from starlette.requests import Request
from starlette.responses import Response

from serving.http import CUSTOM_ATTRIBUTES, INFERENCE_ID
from serving.logs import ms
from serving.service import Reply


def request_id_of(request: Request) -> str:
    """The caller's own, where it gives one that can stand in a log."""
    given = request.headers.get("x-request-id") or request.headers.get(INFERENCE_ID) or ""
    return given if re.fullmatch(r"[\w.:-]{1,128}", given) else uuid.uuid4().hex


def reply_to(request: Request, request_id: str, reply: Reply) -> Response:
    headers = {"X-Request-Id": request_id, **reply.headers}
    if (echo := request.headers.get(CUSTOM_ATTRIBUTES)) is not None:
        headers[CUSTOM_ATTRIBUTES] = echo
    if reply.stages:
        headers["Server-Timing"] = ", ".join(
            f"{name};dur={ms(seconds)}" for name, seconds in reply.stages.seconds().items()
        )
    return Response(reply.body, reply.status, headers, media_type=reply.content_type)
