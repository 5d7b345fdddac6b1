"""The local API Gateway, in front of the probe's container or of a simulated SageMaker."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request

from deploy.cloudformation.functions import GATEWAY_S
from deploy.functions.proxy.proxy import LIMIT
from deploy.local.api_gateway.api import LIMITS, GatewayLimits, api_routes
from deploy.local.api_gateway.event import CallContext, event, response
from deploy.local.api_gateway.refusal import Refused
from deploy.local.options import Options
from deploy.local.runtime.runtime import runtime_routes
from serving.http import PREFLIGHT
from tests.serving.container.test_front import picture
from tests.support.gateways import FEATURE, Gateway, listening, refused
from tests.support.runtime_server import Reply, RuntimeServer


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A gateway in front of the local sagemaker-runtime, which runs the probe's container."""
    with listening(
        lambda fleet, port: [
            *runtime_routes(fleet, options := Options(port=port)),
            *api_routes(fleet, options),
        ]
    ) as started:
        yield started


@pytest.mark.parametrize("name", FEATURE.names)
def test_every_name_of_a_feature_is_a_path(gateway: Gateway, name: str) -> None:
    answer = gateway.ask("POST", f"{gateway.stage}/{name}", json={"text": "饮料"})
    assert (answer.status_code, answer.json()["text"]) == (200, "饮料")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Request-Id"] == answer.headers["x-amzn-RequestId"]


def test_an_image_alone_is_a_request(gateway: Gateway) -> None:
    answer = gateway.post(data=picture(5, 4), headers={"Content-Type": "image/png"})
    assert answer.json()["image"] == [4, 5]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b'{"img": "AAAA"}', 422, "unprocessable_input"),
        (b'{"action": "refuse"}', 422, "unprocessable_input"),
    ],
)
def test_an_error_of_the_container_keeps_its_status_and_body(
    gateway: Gateway, body: bytes, status: int, code: str
) -> None:
    answer = gateway.post(data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert "x-amzn-ErrorType" not in answer.headers


def test_a_preflight_is_answered(gateway: Gateway) -> None:
    answer = gateway.ask("OPTIONS", gateway.url, headers={"Origin": "https://example.com"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers.items() >= PREFLIGHT.items()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/prod/nothing"),
        ("OPTIONS", "/prod/nothing"),
        ("GET", "/prod/probe"),
        ("POST", "/prod/"),
        ("POST", "/test/probe"),
        ("POST", "/probe"),
    ],
)
def test_an_unknown_path_is_a_missing_token(gateway: Gateway, method: str, path: str) -> None:
    answer = gateway.ask(method, f"http://{gateway.host}{path}")
    assert "no such path" in refused(answer, 403, "forbidden", "MissingAuthenticationTokenException")


def test_ten_megabytes_are_too_much(gateway: Gateway) -> None:
    with_length, chunked = bytes(10 * 2**20 + 1), iter([bytes(2**20)] * 11)
    for data in (with_length, chunked):
        answer = gateway.post(data=data, headers={"Content-Type": "image/png"})
        refused(answer, 413, "payload_too_large", "RequestTooLargeException")


def test_six_megabytes_of_base64_are_too_much_for_lambda(gateway: Gateway) -> None:
    answer = gateway.post(data=bytes(5 * 2**20), headers={"Content-Type": "image/png"})
    refused(answer, 413, "payload_too_large", "RequestTooLargeException")
    answer = gateway.post(data=bytes(4 * 2**20), headers={"Content-Type": "image/png"})
    assert answer.status_code == 422  # from the container: the body is not an image


def test_an_image_is_decoded_for_callers_that_accept_it_first(
    sagemaker: RuntimeServer, before: Callable[..., Gateway]
) -> None:
    gateway = before()
    sagemaker.answering = lambda request: Reply(200, request.body, "image/png")
    data = picture()
    headers = {"Content-Type": "image/png", "Accept": "image/png, */*"}
    answer = gateway.post(data=data, headers=headers)
    assert (answer.content, answer.headers["Content-Type"]) == (data, "image/png")
    assert sagemaker.requests[-1].path == "/endpoints/probe/invocations"
    assert sagemaker.requests[-1].headers["x-amzn-sagemaker-inference-id"] == answer.headers["X-Request-Id"]
    answer = gateway.post(data=data, headers=headers | {"Accept": "*/*"})
    assert base64.b64decode(answer.content) == data


def test_a_late_answer_is_a_timeout(sagemaker: RuntimeServer, before: Callable[..., Gateway]) -> None:
    sagemaker.answering = sagemaker.hang
    answer = before(GatewayLimits(timeout_s=0.2)).post(json={})
    sagemaker.released.set()
    refused(answer, 504, "deadline_exceeded", "InternalServerErrorException")


def test_an_event_has_the_fields_that_lambda_functions_read() -> None:
    headers = [
        (b"host", b"localhost:8000"),
        (b"content-type", b"Image/PNG; q=1"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
    ]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "path": "/prod/probe",
        "query_string": b"a=1&a=%20",
        "headers": headers,
        "client": ("127.0.0.1", 5),
    }
    made = event(Request(scope), b"\xff", CallContext("id-1", "prod", {"accessKey": "AKIA"}), ["image/png"])
    assert (made["resource"], made["path"], made["httpMethod"]) == ("/probe", "/probe", "POST")
    assert (made["body"], made["isBase64Encoded"]) == ("/w==", True)
    assert (made["headers"]["x-a"], made["multiValueHeaders"]["x-a"]) == ("2", ["1", "2"])
    assert made["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert made["queryStringParameters"] == {"a": " "}
    assert made["multiValueQueryStringParameters"] == {"a": ["1", " "]}
    context = made["requestContext"]
    assert (context["requestId"], context["stage"], context["path"]) == ("id-1", "prod", "/prod/probe")
    assert (context["identity"]["sourceIp"], context["identity"]["accessKey"]) == ("127.0.0.1", "AKIA")
    empty = event(Request(scope), b"", CallContext("id-1", "prod", {}), [])
    assert (empty["body"], empty["isBase64Encoded"]) == (None, False)


def test_the_limits_are_the_deployed_ones() -> None:
    assert LIMITS.timeout_s == GATEWAY_S
    assert LIMITS.event == LIMIT


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {},
        {"statusCode": "ok"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "message": "?"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "isBase64Encoded": "true"},
        {"statusCode": 200, "multiValueHeaders": {"a": "b"}},
    ],
)
def test_an_answer_of_a_wrong_shape_is_a_bad_gateway(answer: Any) -> None:
    with pytest.raises(Refused) as caught:
        response(answer, accept="*/*", binary=(), request_id="1")
    assert caught.value.kind == "DEFAULT_5XX"


def test_an_answer_may_have_only_a_status_or_repeat_a_header() -> None:
    short = response({"statusCode": 204}, accept="", binary=(), request_id="1")
    assert (short.status_code, short.body, short.headers["x-amzn-requestid"]) == (204, b"", "1")
    several = {"statusCode": 200, "headers": {"A": 1}, "multiValueHeaders": {"a": ["2", "3"]}, "body": "x"}
    assert response(several, accept="", binary=(), request_id="1").headers.getlist("a") == ["2", "3"]
