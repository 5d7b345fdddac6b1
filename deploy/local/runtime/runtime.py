"""The wire of sagemaker-runtime: what boto3 and the aws command line speak when they invoke an endpoint."""

import uuid
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from ipaddress import ip_address

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from deploy.local.fleet.fleet import Answered, Fleet
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
    """locations: of asynchronous calls; a folder below the cache where None.

    Nothing is asked of who signs; where the gateway asks its callers for more, these routes are for this
    machine alone, so that nobody gets round it.
    """
    limits = limits or RuntimeLimits()
    endpoints = LocalEndpoints(fleet, limits, options.aliases)
    locations = locations or Locations.below(Settings.read().cache_dir / "async")
    runtime = Runtime(endpoints, AsyncInference(endpoints, locations, limits), limits)
    faces = {
        "invocations": runtime.invoke,
        "invocations-response-stream": runtime.stream,
        "async-invocations": runtime.invoke_later,
    }
    to_all = options.auth == "none"
    return [
        Route(f"/endpoints/{{name}}/{face}", _answering(handler, to_all=to_all), methods=["POST"])
        for face, handler in faces.items()
    ]


class Runtime:
    """The three operations; each raises `WireError`."""

    def __init__(self, endpoints: LocalEndpoints, later: AsyncInference, limits: RuntimeLimits) -> None:
        self._endpoints, self._later, self._limits = endpoints, later, limits

    async def invoke(self, request: Request) -> Response:
        endpoint, reply = await self._call(request, INVOKE)
        if (size := len(reply.body)) > (limit := self._limits.reply):
            raise reply_too_large(endpoint.name, size, limit, self._limits.message)
        return Response(reply.body, headers=_headers(reply, "content-type"))

    async def stream(self, request: Request) -> Response:
        """Replies of any size. One that does not come in time ends a stream which has begun."""
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
        """Answers before the container is asked; who stops the server waits for what is admitted."""
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

    async def _call(self, request: Request, rules: tuple[Header, ...]) -> tuple[LocalEndpoint, Answered]:
        endpoint = self._endpoints.find(request.path_params["name"])
        headers = passed(rules, request.headers)
        if (variant := request.headers.get(TARGET_VARIANT, VARIANT)) != VARIANT:
            raise invalid(f"Variant {variant} of endpoint {endpoint.name} not found.")
        body = await _read(request, self._limits.body)
        return endpoint, await self._endpoints.call(endpoint, body, headers)


def _answering(handler: Handler, *, to_all: bool) -> Handler:
    """Refusals as responses; every response under an id of its own."""

    async def answer(request: Request) -> Response:
        try:
            if not to_all and not _is_local(request):
                raise denied("This endpoint answers its own machine only.")
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


def _headers(reply: Answered, content_type: str) -> dict[str, str]:
    """Those of the container's that SageMaker lets through. content_type: the name that one goes under."""
    kept = {name: reply.headers[name] for name in (CUSTOM_ATTRIBUTES, *SESSIONS) if name in reply.headers}
    kind = reply.headers.get("content-type", "application/octet-stream")
    return {content_type: kind, "x-Amzn-Invoked-Production-Variant": VARIANT, **kept}


async def _read(request: Request, limit: int) -> bytes:
    """The body. Raises `WireError` as soon as it is known to be too large."""
    try:
        return await read_body(request, limit)
    except BodyTooLarge as error:
        constraint = f"Member must have length less than or equal to {limit}"
        raise out_of_bounds("body", None, constraint) from error
