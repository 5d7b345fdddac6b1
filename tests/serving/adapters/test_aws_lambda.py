"""Lambda: events and responses in process, then the real start command with the runtime client."""

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from serving.adapters.aws_lambda import Handler, InvocationFailed, proxy_answer
from serving.feature import find
from serving.http import LAMBDA_REPLY_BYTES
from serving.service import Reply, Service
from serving.settings import Settings
from tests.support.ask import PROBE
from tests.support.paths import ROOT
from tests.support.runtime_api import RuntimeApi, function

Event = dict[str, Any]


def rest(body: str | None, **parts: Any) -> Event:
    """Returns an event of an API Gateway REST API."""
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    context = {"requestId": "from-the-gateway", "stage": "prod", "identity": {"sourceIp": "192.0.2.1"}}
    event = {"resource": "/probe", "path": "/probe", "httpMethod": "POST", "headers": headers, "body": body}
    return {**event, "requestContext": context, "isBase64Encoded": False, **parts}


def http(body: str, **parts: Any) -> Event:
    """Returns an event of an HTTP API or a function URL."""
    context = {"requestId": "from-the-gateway", "http": {"method": "POST", "path": "/probe"}}
    event = {"version": "2.0", "rawPath": "/probe", "headers": {"content-type": "application/json"}}
    return {**event, "requestContext": context, "body": body, "isBase64Encoded": False, **parts}


def jpeg(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "JPEG")
    return file.getvalue()


def image_event(encoded: str) -> Event:
    return rest(encoded, headers={"content-type": "image/jpeg"}, isBase64Encoded=True)


def problem_of(answer: Event) -> Event:
    """Returns the problem body of a failed response."""
    body: Event = json.loads(answer["body"])
    assert body["status"] == answer["statusCode"] >= HTTPStatus.BAD_REQUEST
    return body


def within(seconds: float) -> LambdaContext:
    return LambdaContext("from-lambda", None, None, int((time.time() + seconds) * 1000))


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    service = Service.load(find(PROBE), Settings.read({}))
    with asyncio.Runner() as runner:
        yield Handler(runner.run(service.__aenter__()), runner)
        runner.run(service.__aexit__())


@pytest.mark.parametrize("event", [rest('{"text": "饮料"}'), http('{"text": "饮料"}')], ids=["rest", "http"])
def test_the_response_to_a_json_body_allows_browsers(handler: Handler, event: Event) -> None:
    answer = handler(event, within(30))
    assert answer["statusCode"] == HTTPStatus.OK
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["text"] == "饮料"


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_headers_are_found_in_any_case(handler: Handler, name: str) -> None:
    answer = handler(rest("text", headers={name: "text/plain"}), within(30))
    assert "text/plain" in problem_of(answer)["detail"]


def test_a_load_balancer_may_send_several_values_of_a_header(handler: Handler) -> None:
    answer = handler(
        rest("{}", headers=None, multiValueHeaders={"accept": ["text/csv", "text/html"]}), within(30)
    )
    assert answer["statusCode"] == HTTPStatus.NOT_ACCEPTABLE
    assert "text/csv, text/html" in problem_of(answer)["detail"]


def test_a_binary_body_arrives_as_it_was_sent(handler: Handler) -> None:
    answer = handler(image_event(base64.b64encode(jpeg(30, 20)).decode()), within(30))
    assert json.loads(answer["body"])["image"] == [20, 30]


@pytest.mark.parametrize("encoded", ["%%%", "QUJ", "饮料", "\ud800"])
def test_wrong_base64_is_an_invalid_request(handler: Handler, encoded: str) -> None:
    problem = problem_of(handler(image_event(encoded), within(30)))
    assert problem["code"] == "invalid_request"
    assert problem["detail"].startswith("body: isBase64Encoded is set, but ")


@pytest.mark.parametrize(
    "event", [rest(None), rest(""), {"httpMethod": "POST"}], ids=["null", "empty", "absent"]
)
def test_the_error_names_a_missing_body(handler: Handler, event: Event) -> None:
    assert problem_of(handler(event, within(30)))["detail"].startswith("body: empty")


@pytest.mark.parametrize(
    ("event", "request_id"),
    [
        (rest("?", headers={"x-request-id": "from-the-caller"}), "from-the-gateway"),
        ({"body": "?", "headers": {"X-Request-Id": "from-the-caller"}}, "from-the-caller"),
        ({"body": "?"}, "from-lambda"),
    ],
)
def test_the_request_id_is_that_of_the_gateway_the_caller_or_lambda_in_this_order(
    handler: Handler, event: Event, request_id: str
) -> None:
    answer = handler(event, within(30))
    assert problem_of(answer)["request_id"] == answer["headers"]["X-Request-Id"] == request_id


preflights = [
    rest(None, httpMethod="OPTIONS"),
    http("", requestContext={"http": {"method": "OPTIONS"}}),
]


@pytest.mark.parametrize("event", preflights, ids=["rest", "http"])
def test_a_preflight_is_answered_without_the_model(handler: Handler, event: Event) -> None:
    answer = handler(event, within(0))  # the model would have no time
    assert answer["statusCode"] == HTTPStatus.NO_CONTENT
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer["headers"]["Access-Control-Allow-Methods"]
    assert "X-Api-Key" in answer["headers"]["Access-Control-Allow-Headers"]


def test_the_function_responds_before_the_timeout_of_lambda(handler: Handler) -> None:
    start = time.monotonic()
    answer = handler(rest('{"work_s": 2}'), within(1.0))
    assert time.monotonic() - start < 1
    assert problem_of(answer)["code"] == "deadline_exceeded"


@pytest.mark.parametrize(
    "text", ["x" * LAMBDA_REPLY_BYTES, '"' * (LAMBDA_REPLY_BYTES // 3), "字" * (LAMBDA_REPLY_BYTES // 5)]
)
def test_a_reply_that_is_too_large_for_lambda_is_a_413_with_a_remedy(handler: Handler, text: str) -> None:
    """Lambda measures the encoded response, in which a quote is escaped twice and 字 takes six bytes."""
    problem = problem_of(handler(rest(json.dumps({"text": text})), within(30)))
    assert problem["code"] == "payload_too_large"
    assert f"at most {LAMBDA_REPLY_BYTES}" in problem["detail"]
    assert "container" in problem["detail"]


def test_a_reply_that_is_not_text_is_sent_in_base64() -> None:
    answer = proxy_answer(Reply(HTTPStatus.OK, b"\x89PNG\xff", "image/png"), "id")
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\x89PNG\xff"
    assert answer["headers"]["Content-Type"] == "image/png"


def test_a_direct_call_sends_and_receives_plain_json(handler: Handler) -> None:
    assert handler({"text": "饮料"}, within(30))["text"] == "饮料"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"text": 1}, "invalid_request"),
        ({"Records": []}, "invalid_request"),
        (["text"], "invalid_request"),
        (None, "invalid_request"),
        ({"action": "refuse"}, "unprocessable_input"),
        ({"text": "x" * LAMBDA_REPLY_BYTES}, "payload_too_large"),
    ],
    ids=["type", "unknown field", "list", "null", "refused", "long reply"],
)
def test_a_failed_direct_call_raises_the_problem(handler: Handler, payload: object, code: str) -> None:
    with pytest.raises(InvocationFailed) as failure:
        handler(payload, within(30))
    problem = json.loads(str(failure.value))
    assert (problem["code"], problem["request_id"]) == (code, "from-lambda")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
parts = ["httpMethod", "headers", "multiValueHeaders", "requestContext", "body", "isBase64Encoded"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(parts, anything)))
def test_any_proxy_event_gets_a_proxy_response(handler: Handler, event: Event) -> None:
    answer = handler({"requestContext": {}, **event}, within(30))
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert HTTPStatus.OK <= answer["statusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.fixture(scope="module")
def api() -> Iterator[RuntimeApi]:
    with function(PROBE) as (running, _):
        yield running


def test_the_real_client_answers_json_and_images(api: RuntimeApi) -> None:
    json_outcome = api.invoke(rest('{"text": "饮料"}'))
    image_outcome = api.invoke(image_event(base64.b64encode(jpeg(30, 20)).decode()))
    assert json_outcome.path == image_outcome.path == "invocation/from-lambda/response"
    assert json.loads(json_outcome.payload["body"])["text"] == "饮料"
    assert json.loads(image_outcome.payload["body"])["image"] == [20, 30]


FAILURES: dict[HTTPStatus, tuple[Event, float]] = {
    HTTPStatus.BAD_REQUEST: (image_event("%%%"), 30),
    HTTPStatus.UNPROCESSABLE_ENTITY: (rest('{"action": "refuse"}'), 30),
    HTTPStatus.INTERNAL_SERVER_ERROR: (rest('{"action": "fail"}'), 30),
    HTTPStatus.GATEWAY_TIMEOUT: (rest('{"work_s": 1}'), 0.8),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (rest(json.dumps({"text": "x" * LAMBDA_REPLY_BYTES})), 30),
}


@pytest.mark.parametrize("status", FAILURES, ids=lambda status: status.name)
def test_a_failure_is_a_proxy_response_and_not_an_error_of_the_function(
    api: RuntimeApi, status: HTTPStatus
) -> None:
    outcome = api.invoke(*FAILURES[status])
    assert outcome.path == "invocation/from-lambda/response"
    assert problem_of(outcome.payload)["status"] == status
    assert "Traceback" not in outcome.payload["body"]


def test_a_preflight_passes_through_the_real_client(api: RuntimeApi) -> None:
    outcome = api.invoke(rest(None, httpMethod="OPTIONS"))
    assert outcome.path == "invocation/from-lambda/response"
    assert outcome.payload["statusCode"] == HTTPStatus.NO_CONTENT


def test_a_failed_direct_call_sets_the_error_of_the_function(api: RuntimeApi) -> None:
    assert api.invoke({"text": "饮料"}).payload["text"] == "饮料"
    outcome = api.invoke({"action": "refuse"})
    assert outcome.path == "invocation/from-lambda/error"
    assert outcome.payload["errorType"] == "InvocationFailed"
    assert json.loads(outcome.payload["errorMessage"])["code"] == "unprocessable_input"


def test_a_process_with_a_hung_model_ends_at_the_next_event() -> None:
    with function(PROBE, AIKIT_HANG_S="0.1") as (api, process):
        assert api.invoke(rest('{"action": "hang"}'), 1).payload["statusCode"] == HTTPStatus.GATEWAY_TIMEOUT
        api.events.put((rest("{}"), 30))
        assert process.wait(timeout=10) == os.EX_SOFTWARE


def test_a_feature_that_cannot_be_loaded_fails_the_init_with_one_line() -> None:
    with function("nope") as (api, process):
        outcome = api.outcomes.get(timeout=20)
        assert outcome.path == "init/error"
        assert outcome.payload["errorMessage"].startswith("feature: no 'nope'; there is ")
        assert process.wait(timeout=10) == 1


def python(code: str, **environment: str) -> str:
    """Returns the output of a fresh interpreter."""
    command, environment = [sys.executable, "-c", code], {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        command, env=environment, check=True, timeout=20, capture_output=True, text=True
    ).stdout


def test_importing_the_module_loads_no_feature() -> None:
    assert python("import serving.aws_lambda", AIKIT_FEATURE="nope") == ""


def test_caches_are_in_the_folder_that_lambda_makes_writable() -> None:
    code = "import os, serving.aws_lambda as module; module.handler; print(os.environ['HOME'])"
    assert python(code, AIKIT_FEATURE=PROBE, HOME="/nonexistent").splitlines()[0] == tempfile.gettempdir()
