"""The imitation of API Gateway: the same paths and the same proxy code that `aikit deploy` deploys."""

import uuid
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio
import msgspec
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from deploy.cloudformation.functions import GATEWAY_S
from deploy.local.fleet.fleet import Fleet
from deploy.local.options import REGION, Options
from serving.feature import Feature
from serving.http import CLIENT_CLOSED_REQUEST, PREFLIGHT, BodyTooLarge, Json, read_body

from .auth import authoriser
from .event import CallContext, event, response
from .refusal import Refused, refusal

_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
_CONCURRENCY = 64  # functions that run at once; other calls wait, which counts towards their 29 s
_ANY = "local"  # the sagemaker-runtime of this process accepts every signature


class GatewayLimits(NamedTuple):
    """The limits of API Gateway.

    body: bytes of a request. event: bytes of the JSON that Lambda receives. timeout_s: time of a whole call.
    """

    body: int = 10 * 2**20
    event: int = 6 * 2**20
    timeout_s: float = GATEWAY_S


LIMITS = GatewayLimits()


def api_routes(fleet: Fleet, options: Options, limits: GatewayLimits = LIMITS) -> list[BaseRoute]:
    """Returns the routes: `POST` and `OPTIONS` of /{stage}/{feature}, for all names of each feature.

    They refuse every other path as API Gateway does, so they must be the last routes. Raises `SettingsError`.
    """
    answer = Api(fleet, options, limits).answer
    paths = (f"/{options.stage}/{{name:path}}", "/{elsewhere:path}")
    return [Route(path, answer, methods=_METHODS) for path in paths]


class Api:
    """The handler of all paths, which follows the OpenAPI document that API Gateway imports."""

    def __init__(self, fleet: Fleet, options: Options, limits: GatewayLimits) -> None:
        from deploy.cloudformation.openapi import body

        definition = body(list(fleet.features.values()))
        self._refusals: Mapping[str, Json] = definition["x-amazon-apigateway-gateway-responses"]
        self._binary = frozenset(definition["x-amazon-apigateway-binary-media-types"])
        self._fleet, self._stage, self._limits = fleet, options.stage, limits
        self._authorise = authoriser(options)
        self._runtime = _runtime(options)
        self._functions = anyio.CapacityLimiter(_CONCURRENCY)

    async def answer(self, request: Request) -> Response:
        """Returns the reply to a request. Never raises; a caller that hung up gets status 499."""
        request_id = str(uuid.uuid4())
        try:
            return await self._answer(request, request_id)
        except Refused as refused:
            return refusal(refused, self._refusals, request_id)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)

    async def _answer(self, request: Request, request_id: str) -> Response:
        feature = self._fleet.find(request.path_params.get("name", ""))
        if feature is None or request.method not in ("OPTIONS", "POST"):
            raise Refused("MISSING_AUTHENTICATION_TOKEN")
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=PREFLIGHT)
        body = await self._read(request)
        made = await run_sync(self._event, request, body, request_id)
        answer = await self._invoke(feature, made, request_id)
        accept = request.headers.get("accept", "")
        return response(answer, accept=accept, binary=self._binary, request_id=request_id)

    def _event(self, request: Request, body: bytes, request_id: str) -> Json:
        """Authorises the caller and returns the event for the function. Raises `Refused`."""
        call = CallContext(request_id, self._stage, self._authorise(request, body))
        made = event(request, body, call, self._binary)
        if len(msgspec.json.encode(made)) > self._limits.event:
            raise Refused("REQUEST_TOO_LARGE")
        return made

    async def _read(self, request: Request) -> bytes:
        try:
            return await read_body(request, self._limits.body)
        except BodyTooLarge as error:
            raise Refused("REQUEST_TOO_LARGE") from error

    async def _invoke(self, feature: Feature, made: Json, request_id: str) -> Any:
        """Returns the function's answer to an event. After a timeout the function runs on, as on AWS."""
        from deploy.functions.proxy.proxy import Proxy

        proxy = Proxy(self._runtime, feature.name)
        call = partial(proxy, made, SimpleNamespace(aws_request_id=request_id))
        try:
            with anyio.fail_after(self._limits.timeout_s):
                return await run_sync(call, abandon_on_cancel=True, limiter=self._functions)
        except TimeoutError as error:
            raise Refused("INTEGRATION_TIMEOUT") from error


def _runtime(options: Options) -> Any:
    """Returns a client of this process's own sagemaker-runtime, which uses no HTTP proxy."""
    import boto3
    from botocore.config import Config

    from deploy.functions.proxy.proxy import CONNECT_S, READ_S

    limits = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"total_max_attempts": 1},
        max_pool_connections=_CONCURRENCY,
        proxies={},
    )
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=options.public_url,
        region_name=REGION,
        aws_access_key_id=_ANY,
        aws_secret_access_key=_ANY,
        config=limits,
    )
