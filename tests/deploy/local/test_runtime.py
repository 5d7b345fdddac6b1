"""The local stack's sagemaker-runtime, called through boto3 and the aws command line."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from deploy.local.fleet.fleet import Fleet
from deploy.local.options import Auth, Options
from deploy.local.runtime.errors import WireError
from deploy.local.runtime.eventstream import message, stream_error
from deploy.local.runtime.headers import ASYNC, INVOKE, STREAM, TIMEOUT, TTL, Header, passed
from deploy.local.runtime.runtime import runtime_routes
from serving.settings import Settings
from tests.support.features.probe.feature import feature as probe
from tests.support.runtime_gateway import RuntimeGateway, as_json, refusal, served

pytestmark = pytest.mark.usefixtures("aws_credentials")

OPERATIONS = {
    "InvokeEndpoint": INVOKE,
    "InvokeEndpointWithResponseStream": STREAM,
    "InvokeEndpointAsync": ASYNC,
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeGateway]:
    with served(tmp_path_factory.mktemp("async")) as running:
        yield running


@pytest.fixture
def runtime(gateway: RuntimeGateway) -> Iterator[Any]:
    with closing(gateway.client("local")) as client:
        yield client


def unpacked(frame: bytes) -> Any:
    buffer = EventStreamBuffer()
    buffer.add_data(frame)
    (event,) = list(buffer)
    return event


@pytest.mark.parametrize("name", ["probe", "probe-ml", "my-endpoint"])
def test_an_endpoint_answers_under_every_name_with_the_callers_attributes(runtime: Any, name: str) -> None:
    reply = runtime.invoke_endpoint(
        EndpointName=name,
        Body=as_json(text="你好"),
        ContentType="application/json",
        Accept="application/json",
        CustomAttributes="trace=1",
        InferenceId="abc-1",
        TargetModel="probe.tar.gz",
        TargetVariant="all",
    )
    assert json.loads(reply["Body"].read())["text"] == "你好"
    assert reply["ContentType"] == "application/json"
    assert reply["CustomAttributes"] == "trace=1"
    assert reply["InvokedProductionVariant"] == "all"
    assert reply["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("body", "accept", "status", "message"),
    [
        (as_json(action="refuse"), "*/*", 422, "text: refused, as requested"),
        (as_json(text=1), "*/*", 400, "text: expected `str`"),
        (as_json(), "text/csv", 406, "text/csv"),
        (as_json(action="fail"), "*/*", 500, "internal error"),
    ],
)
def test_an_error_of_the_container_is_a_model_error(
    runtime: Any, body: bytes, accept: str, status: int, message: str
) -> None:
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName="probe-ml", Body=body, Accept=accept)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["OriginalStatusCode"] == status
    assert message in json.loads(error["OriginalMessage"])["detail"]
    side = "client" if status < 500 else "server"
    assert error["Error"]["Message"].startswith(f"Received {side} error ({status}) from primary with message")
    assert error["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/probe-ml")


def test_an_unknown_endpoint_or_variant_is_named(runtime: Any) -> None:
    error = refusal(runtime.invoke_endpoint, EndpointName="barcode", Body=b"{}")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint barcode of account 000000000000 not found.",
    }
    error = refusal(runtime.invoke_endpoint, EndpointName="probe", Body=b"{}", TargetVariant="other")
    assert error["Error"]["Message"] == "Variant other of endpoint probe not found."


@pytest.mark.parametrize(
    ("length", "start"),
    [("Content-Length: 8193", b""), ("Transfer-Encoding: chunked", b"2001\r\n" + bytes(0x2001) + b"\r\n")],
    ids=["declared", "chunked"],
)
def test_a_body_over_the_limit_is_refused_before_all_of_it_is_sent(
    gateway: RuntimeGateway, length: str, start: bytes
) -> None:
    host, port = gateway.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as half:
        head = f"POST /local/endpoints/probe/invocations HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n"
        half.sendall(head.encode() + start)
        assert half.recv(20).startswith(b"HTTP/1.1 400 ")


def test_a_body_or_a_reply_over_the_limit_is_an_error(runtime: Any) -> None:
    error = refusal(runtime.invoke_endpoint, EndpointName="probe", Body=bytes(8193))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"].endswith("'body' failed to satisfy constraint: Member must have length "
                                     "less than or equal to 8192")  # fmt: skip
    reply = refusal(runtime.invoke_endpoint, EndpointName="probe", Body=as_json(text="x" * 5000))
    assert reply["Error"]["Code"] == "ModelError"
    assert "could not load the entire response body" in reply["Error"]["Message"]
    assert reply["OriginalMessage"].endswith("bytes, at most 4096")


def test_a_response_stream_carries_a_reply_of_any_size_in_parts(runtime: Any) -> None:
    reply = runtime.invoke_endpoint_with_response_stream(
        EndpointName="probe", Body=as_json(text="x" * 5000), Accept="application/json", CustomAttributes="a=1"
    )
    with closing(reply["Body"]) as events:
        parts = [event["PayloadPart"]["Bytes"] for event in events]
    assert json.loads(b"".join(parts))["text"] == "x" * 5000
    assert max(map(len, parts)) == 1000
    assert reply["ContentType"] == "application/json"
    assert (reply["CustomAttributes"], reply["InvokedProductionVariant"]) == ("a=1", "all")


def test_a_refused_request_starts_no_response_stream(runtime: Any) -> None:
    stream = runtime.invoke_endpoint_with_response_stream
    error = refusal(stream, EndpointName="probe", Body=as_json(action="refuse"))
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 422)


def test_a_timeout_is_a_model_error_or_ends_the_stream(tmp_path: Path) -> None:
    with served(tmp_path, deadline_s=0.05) as late, closing(late.client("local")) as runtime:
        error = refusal(runtime.invoke_endpoint, EndpointName="probe", Body=b"{}")
        assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 0)
        assert error["Error"]["Message"].startswith("Received server error (0) from primary")
        reply = runtime.invoke_endpoint_with_response_stream(EndpointName="probe", Body=b"{}")
        message = r"\(ModelStreamError\).*Received server error \(0\)"
        with closing(reply["Body"]) as events, pytest.raises(EventStreamError, match=message):
            list(events)


def test_a_container_that_cannot_start_is_unavailable(runtime: Any) -> None:
    error = refusal(runtime.invoke_endpoint, EndpointName="absent", Body=b"{}")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert error["Error"]["Code"] == "ServiceUnavailable"
    assert error["Error"]["Message"].startswith("absent: ")


def test_the_aws_command_line_invokes_an_endpoint(gateway: RuntimeGateway, tmp_path: Path) -> None:
    aws = shutil.which("aws")
    if aws is None:
        pytest.skip("no aws command line on this machine")
    (tmp_path / "request.json").write_bytes(as_json(text="hi"))
    where = ["--endpoint-url", f"{gateway.address}/local", "--endpoint-name", "probe"]
    what = ["--body", "fileb://request.json", "--custom-attributes", "a=1", "reply.json"]
    done = subprocess.run(
        [aws, "sagemaker-runtime", "invoke-endpoint", *where, *what],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "reply.json").read_bytes())["text"] == "hi"
    printed = json.loads(done.stdout)
    assert (printed["CustomAttributes"], printed["InvokedProductionVariant"]) == ("a=1", "all")


@pytest.mark.parametrize(
    ("auth", "caller", "status"),
    [("none", "192.0.2.1", 400), ("iam", "127.0.0.1", 400), ("iam", "192.0.2.1", 403), ("key", "::1", 400)],
)
def test_if_callers_must_authenticate_only_this_machine_may_invoke_endpoints(
    auth: Auth, caller: str, status: int
) -> None:
    async def ask() -> httpx.Response:
        async with Fleet([probe], Settings.read(), memory_mb=1, most=1) as fleet:
            app = Starlette(routes=runtime_routes(fleet, Options(auth=auth)))
            transport = httpx.ASGITransport(app, client=(caller, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.post("/endpoints/barcode/invocations")

    assert asyncio.run(ask()).status_code == status


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_header_of_the_services_api_model_is_known_with_its_limit(runtime: Any, operation: str) -> None:
    rules = {rule.name: rule for rule in OPERATIONS[operation]}
    members = runtime.meta.service_model.operation_model(operation).input_shape.members
    shapes = {
        shape.serialization["name"].lower(): shape
        for shape in members.values()
        if shape.serialization.get("location") == "header"
    }
    assert shapes.keys() - {TTL, TIMEOUT} <= rules.keys()  # an older API model has fewer headers
    known = rules.keys() & shapes.keys()
    assert [rules[name].most for name in known] == [shapes[name].metadata["max"] for name in known]


@pytest.mark.parametrize("rule", {*INVOKE, *STREAM, *ASYNC}, ids=lambda rule: f"{rule.member}-{rule.name}")
def test_a_header_over_its_limit_is_refused(rule: Header) -> None:
    value = "s3://" + "x" * (rule.most - 5) if rule.member == "inputLocation" else "x" * rule.most
    assert passed((rule,), {rule.name: value}) == ({rule.passed: value} if rule.passed else {})
    with pytest.raises(WireError, match=f"'{rule.member}' failed .* less than or equal to {rule.most}$"):
        passed((rule,), {rule.name: f"{value}x"})
    with pytest.raises(WireError, match=f"'{rule.member}' failed .* regular expression"):
        passed((rule,), {rule.name: "é\n"})


@given(
    headers=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=3),
    payload=st.binary(max_size=100),
)
def test_botocore_unpacks_the_event_stream_messages(headers: dict[str, str], payload: bytes) -> None:
    event = unpacked(message(headers, payload))
    assert (event.headers, event.payload) == (headers, payload)


def test_the_error_that_ends_a_stream_has_its_code() -> None:
    event = unpacked(stream_error("StreamBroken", "why"))
    assert event.headers[":exception-type"] == "ModelStreamError"
    assert json.loads(event.payload) == {"Message": "why", "ErrorCode": "StreamBroken"}
