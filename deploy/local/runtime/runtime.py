"""The HTTP API of sagemaker-runtime, which boto3 and the aws command line use to invoke an endpoint."""

import uuid
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from ipaddress import ip_address

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from deploy.local.fleet.fleet import ContainerReply, Fleet
from deploy.local.options import Options
from serving.http import CLIENT_CLOSED_REQUEST, BodyTooLarge, read_body
from serving.settings import Settings

from .async_inference import AsyncInference
from .endpoints import VARIANT, LocalEndpoint, LocalEndpoints
from .errors import WireError, denied, invalid, out_of_bounds, reply_too_large
from .eventstream import MEDIA_TYPE, parts, stream_error
from .headers import CUSTOM_ATTRIBUTES, INVOKE, SESSIONS, STREAM, TARGET_VARIANT, Header, passed
from .limits import RuntimeLimits
from .locations import Locations

Handler = Callable[[Request], Awaitable[Response]]


def runtime_routes(
    fleet: Fleet,
    options: Options,
    *,
    limits: RuntimeLimits | None = None,
    locations: Locations | None = None,
) -> list[BaseRoute]:
    """Returns the routes of the three operations. locations: None for a folder in the cache.

    The routes accept every signature. If the gateway checks its callers, only this machine may use these
    routes, so that no caller can avoid the check.
    """
    limits = limits or RuntimeLimits()
    endpoints = LocalEndpoints(fleet, limits, options.aliases)
    locations = locations or Locations.below(Settings.read().cache_dir / "async")
    runtime = Runtime(endpoints, AsyncInference(endpoints, locations, limits), limits)
    operations = {
        "invocations": runtime.invoke,
        "invocations-response-stream": runtime.stream,
        "async-invocations": runtime.invoke_later,
    }
    local_only = options.auth != "none"
    return [
        Route(f"/endpoints/{{name}}/{path}", _answering(handler, local_only=local_only), methods=["POST"])
        for path, handler in operations.items()
    ]


class Runtime:
    """The handlers of the three operations. Each raises `WireError`."""

    def __init__(self, endpoints: LocalEndpoints, later: AsyncInference, limits: RuntimeLimits) -> None:
        self._endpoints, self._later, self._limits = endpoints, later, limits

    async def invoke(self, request: Request) -> Response:
        endpoint, reply = await self._call(request, INVOKE)
        if (size := len(reply.body)) > (limit := self._limits.reply):
            raise reply_too_large(endpoint.name, size, limit, self._limits.message)
        return Response(reply.body, headers=_headers(reply, "content-type"))

    async def stream(self, request: Request) -> Response:
        """Streams a reply of any size. A timeout is an error event in the stream, not an error status."""
        try:
            _, reply = await self._call(request, STREAM)
        except WireError as error:
            if error.members.get("OriginalStatusCode") != 0:
                raise
            frames: Iterator[bytes] = iter([stream_error("ModelInvocationTimeExceeded", str(error))])
            return StreamingResponse(frames, media_type=MEDIA_TYPE)
        frames = parts(reply.body, self._limits.part)
        headers = _headers(reply, "x-amzn-sagemaker-content-type")
        return StreamingResponse(frames, headers=headers, media_type=MEDIA_TYPE)

    async def invoke_later(self, request: Request) -> Response:
        """Replies before the container is called. A shutdown of the server waits for the admitted calls."""
        endpoint = self._endpoints.find(request.path_params["name"])
        body = await _read(request, self._limits.async_inline)
        job = self._later.admit(endpoint, request.headers, body)
        headers = {
            "X-Amzn-SageMaker-OutputLocation": job.output,
            "X-Amzn-SageMaker-FailureLocation": job.failure,
        }
        content = {"InferenceId": job.inference_id}
        running = BackgroundTask(self._later.run, job)
        return JSONResponse(content, HTTPStatus.ACCEPTED, headers, background=running)

    async def _call(
        self, request: Request, rules: tuple[Header, ...]
    ) -> tuple[LocalEndpoint, ContainerReply]:
        endpoint = self._endpoints.find(request.path_params["name"])
        headers = passed(rules, request.headers)
        if (variant := request.headers.get(TARGET_VARIANT, VARIANT)) != VARIANT:
            raise invalid(f"Variant {variant} of endpoint {endpoint.name} not found.")
        body = await _read(request, self._limits.body)
        return endpoint, await self._endpoints.call(endpoint, body, headers)


def _answering(handler: Handler, *, local_only: bool) -> Handler:
    """Returns a handler that turns errors into responses, and gives every response its own id."""

    async def answer(request: Request) -> Response:
        try:
            if local_only and not _is_local(request):
                raise denied("Only callers on this machine may invoke the endpoint.")
            response = await handler(request)
        except WireError as error:
            response = error.response()
        except ClientDisconnect:
            response = Response(status_code=CLIENT_CLOSED_REQUEST)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    return answer


def _is_local(request: Request) -> bool:
    return request.client is None or ip_address(request.client.host).is_loopback


def _headers(reply: ContainerReply, content_type: str) -> dict[str, str]:
    """Returns the headers of the container's reply that SageMaker passes on.

    content_type: the name of the header for the content type.
    """
    passed_on = {
        name: reply.headers[name] for name in (CUSTOM_ATTRIBUTES, *SESSIONS) if name in reply.headers
    }
    kind = reply.headers.get("content-type", "application/octet-stream")
    return {content_type: kind, "x-Amzn-Invoked-Production-Variant": VARIANT, **passed_on}


async def _read(request: Request, limit: int) -> bytes:
    """Returns the body. Raises `WireError` as soon as more than `limit` bytes are announced or received."""
    try:
        return await read_body(request, limit)
    except BodyTooLarge as error:
        constraint = f"Member must have length less than or equal to {limit}"
        raise out_of_bounds("body", None, constraint) from error
