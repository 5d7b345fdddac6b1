"""The proxy of an endpoint, with real boto3 and a simulated SageMaker."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aikit.client import Container
from deploy.cloudformation.assets import proxy as proxy_asset
from deploy.cloudformation.functions import GATEWAY_S
from deploy.functions.proxy.proxy import CONNECT_S, LIMIT, READ_S, Proxy, client
from serving.adapters.aws_lambda import Handler
from serving.feature import find
from serving.http import LAMBDA_REPLY_BYTES
from serving.service import Service
from serving.settings import Settings
from tests.support.ask import PROBE
from tests.support.runtime_server import (
    ENVIRONMENT,
    Reply,
    Request,
    RuntimeServer,
    model_error,
    refused,
    running,
)

pytestmark = pytest.mark.usefixtures("aws_credentials")

Event = dict[str, Any]
CONTEXT = SimpleNamespace(aws_request_id="from-lambda")
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


def event(body: str | None = "{}", **parts: Any) -> Event:
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    context = {"requestId": "from-the-gateway"}
    plain = {"httpMethod": "POST", "headers": headers, "body": body, "isBase64Encoded": False}
    return {**plain, "requestContext": context, **parts}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[RuntimeServer]:
    with running() as server:
        yield server


def proxy_for(address: str, read_s: float = 5) -> Proxy:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", address)
        return Proxy(client(connect_s=1, read_s=read_s), "general-ocr-1")


@pytest.fixture(scope="module")
def proxy(endpoint: RuntimeServer) -> Proxy:
    return proxy_for(endpoint.address)


def problem_of(answer: Event) -> Event:
    problem: Event = json.loads(answer["body"])
    assert problem.keys() == {"status", "code", "detail", "request_id"}
    assert problem["status"] == answer["statusCode"]
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    return problem


def test_a_json_request_reaches_the_endpoint_as_it_was_sent(endpoint: RuntimeServer, proxy: Proxy) -> None:
    endpoint.answering = lambda _: Reply(200, '[{"words": "饮料"}]'.encode())
    answer = proxy(event('{"url": "https://example.com/饮料.jpg"}'), CONTEXT)
    request = endpoint.requests[-1]
    assert request.path == "/endpoints/general-ocr-1/invocations"
    assert json.loads(request.body) == {"url": "https://example.com/饮料.jpg"}
    assert (request.headers["content-type"], request.headers["accept"]) == ("application/json", "*/*")
    assert request.headers["x-amzn-sagemaker-inference-id"] == "from-the-gateway"
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, [{"words": "饮料"}])
    assert answer["headers"]["X-Request-Id"] == "from-the-gateway"


def test_images_pass_in_both_directions(endpoint: RuntimeServer, proxy: Proxy) -> None:
    endpoint.answering = lambda request: Reply(200, request.body[::-1], request.headers["accept"])
    headers = {"content-type": "image/png", "accept": "image/png"}
    answer = proxy(event(base64.b64encode(PNG).decode(), headers=headers, isBase64Encoded=True), CONTEXT)
    assert endpoint.requests[-1].body == PNG
    assert endpoint.requests[-1].headers["content-type"] == "image/png"
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == PNG[::-1]
    assert answer["headers"]["Content-Type"] == "image/png"


def test_the_containers_own_status_and_body_come_back(
    probe: Container, endpoint: RuntimeServer, proxy: Proxy
) -> None:
    def sagemaker(request: Request) -> Reply:
        headers = {"content-type": request.headers["content-type"]}
        headers["x-amzn-sagemaker-inference-id"] = request.headers["x-amzn-sagemaker-inference-id"]
        reply = httpx.post(f"{probe.url}/invocations", content=request.body, headers=headers)
        return Reply(200, reply.content) if reply.is_success else model_error(reply.status_code, reply.text)

    endpoint.answering = sagemaker
    assert json.loads(proxy(event('{"text": "饮料"}'), CONTEXT)["body"])["text"] == "饮料"
    refusals = {"": 400, '{"text": 1}': 400, '{"action": "refuse"}': 422, '{"action": "fail"}': 500}
    for body, status in refusals.items():
        answer = proxy(event(body), CONTEXT)
        assert (answer["statusCode"], problem_of(answer)["request_id"]) == (status, "from-the-gateway")


FULL = '{"status":503,"code":"overloaded","detail":"queue: 64 wait","request_id":"1"}'


class Refusal(NamedTuple):
    """A failure of SageMaker, and the status, code and Retry-After that the caller receives."""

    reply: Reply
    status: int
    code: str
    retry_after: str | None = None


MISSING = "Endpoint general-ocr-1 of account 123456789012 not found."
REFUSALS = [
    Refusal(model_error(503, FULL), 503, "overloaded", "1"),
    Refusal(model_error(0, "Received server error (0) from primary"), 504, "deadline_exceeded"),
    Refusal(model_error(500, "<html>"), 500, "internal_error"),
    Refusal(model_error(503, ""), 503, "internal_error", "1"),
    Refusal(refused(424, "ModelError", Message="time-out"), 504, "deadline_exceeded"),
    Refusal(refused(429, "ModelNotReadyException", Message="loading"), 503, "unavailable", "10"),
    Refusal(refused(400, "ThrottlingException", message="Rate exceeded"), 429, "too_many_requests", "1"),
    Refusal(refused(503, "ServiceUnavailable", Message="later"), 503, "unavailable", "2"),
    Refusal(refused(400, "ValidationError", Message=MISSING), 503, "unavailable", "60"),
    Refusal(refused(400, "ValidationError", message="1 validation error detected"), 502, "bad_gateway"),
    Refusal(refused(403, "AccessDeniedException", Message="not authorised"), 502, "bad_gateway"),
    Refusal(refused(500, "InternalFailure", Message="?"), 502, "bad_gateway"),
    Refusal(refused(530, "InternalDependencyException", Message="?"), 502, "bad_gateway"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.reply.error}-{refusal.status}")
def test_each_failure_of_sagemaker_has_a_status(
    endpoint: RuntimeServer, proxy: Proxy, refusal: Refusal
) -> None:
    endpoint.answering = lambda _: refusal.reply
    calls_before = len(endpoint.requests)
    answer = proxy(event(), CONTEXT)
    assert (answer["statusCode"], problem_of(answer)["code"]) == (refusal.status, refusal.code)
    assert answer["headers"].get("Retry-After") == refusal.retry_after
    assert len(endpoint.requests) == calls_before + 1, "the proxy does not retry"


def test_an_endpoint_that_hangs_is_a_timeout(endpoint: RuntimeServer) -> None:
    endpoint.answering = endpoint.hang
    answer = proxy_for(endpoint.address, read_s=0.1)(event(), CONTEXT)
    assert (answer["statusCode"], problem_of(answer)["code"]) == (504, "deadline_exceeded")


def test_the_proxy_times_out_before_api_gateway() -> None:
    assert CONNECT_S + READ_S < GATEWAY_S


def test_a_service_that_cannot_be_reached_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but does not listen
        answer = proxy_for(f"http://127.0.0.1:{taken.getsockname()[1]}")(event(), CONTEXT)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")
    assert "127.0.0.1" not in problem_of(answer)["detail"]


def test_sizes_are_limited_in_both_directions(endpoint: RuntimeServer, proxy: Proxy) -> None:
    endpoint.answering = lambda _: Reply(200, b"{}")
    assert proxy(event("x" * LIMIT), CONTEXT)["statusCode"] == HTTPStatus.OK
    over = problem_of(proxy(event("x" * (LIMIT + 1)), CONTEXT))
    assert (over["status"], over["detail"]) == (
        413,
        f"body: {LIMIT + 1} bytes, at most {LIMIT} through SageMaker",
    )
    endpoint.answering = lambda _: Reply(200, bytes(LAMBDA_REPLY_BYTES * 3 // 4), "image/png")
    over = problem_of(proxy(event(), CONTEXT))
    assert over["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert str(LAMBDA_REPLY_BYTES) in over["detail"]


def test_a_preflight_gets_the_same_answer_as_on_lambda(endpoint: RuntimeServer, proxy: Proxy) -> None:
    calls_before = len(endpoint.requests)
    preflight = event(None, httpMethod="OPTIONS")
    service = Service.load(find(PROBE), Settings.read({}))
    with asyncio.Runner() as runner:
        assert proxy(preflight, CONTEXT) == Handler(service, runner)(preflight, CONTEXT)
    assert len(endpoint.requests) == calls_before


@pytest.mark.parametrize(
    ("parts", "request_id"),
    [
        ({}, "from-the-gateway"),
        ({"requestContext": {}, "headers": {"x-request-id": "from-the-caller"}}, "from-the-caller"),
        ({"requestContext": None, "headers": None}, "from-lambda"),
    ],
)
def test_the_request_id_comes_from_the_gateway_or_else_the_caller_or_else_lambda(
    endpoint: RuntimeServer, proxy: Proxy, parts: Event, request_id: str
) -> None:
    endpoint.answering = lambda _: Reply(200, b"{}")
    assert proxy(event(**parts), CONTEXT)["headers"]["X-Request-Id"] == request_id


bodies = st.none() | st.text(alphabet=st.characters(exclude_categories=()), max_size=20)


@settings(deadline=None, max_examples=50)
@given(bodies, st.booleans(), st.sampled_from([{}, None, {"Accept": "text/csv"}]))
def test_every_body_gets_an_answer(
    endpoint: RuntimeServer, proxy: Proxy, body: str | None, encoded: bool, headers: dict[str, str] | None
) -> None:
    endpoint.answering = lambda _: Reply(200, b"{}")
    answer = proxy(event(body, isBase64Encoded=encoded, headers=headers), CONTEXT)
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["statusCode"] in (200, 400)


def test_the_zip_file_needs_no_other_code_of_ours(endpoint: RuntimeServer, tmp_path: Path) -> None:
    endpoint.answering = lambda _: Reply(200, b'{"answer": 42}')
    archive = tmp_path / proxy_asset().file
    archive.write_bytes(proxy_asset().content)
    module, _, name = proxy_asset().handler.rpartition(".")
    event = {"httpMethod": "POST", "requestContext": {"requestId": "1"}, "body": "{}"}
    code = (
        f"import sys, importlib; sys.path.insert(0, {str(archive)!r});"
        f"handler = importlib.import_module({module!r}).{name};"
        f"print(handler({event}, None)['body']);"
        "assert not any(part in sys.modules for part in ('deploy', 'msgspec', 'starlette'));"
        f"assert sys.modules['serving'].__file__.startswith({str(archive)!r})"
    )
    environment = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.address, "ENDPOINT_NAME": "general-ocr-1"}
    printed = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**ENVIRONMENT, **environment},
        check=True,
        timeout=30,
        capture_output=True,
    ).stdout
    assert json.loads(printed) == {"answer": 42}
