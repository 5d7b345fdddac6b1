"""Asynchronous calls of the local stack's endpoints, with inputs and outputs in S3 or in files."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support import s3
from tests.support.runtime_gateway import RuntimeGateway, as_json, refusal, served


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with s3.server() as client:
        client.create_bucket(Bucket="inputs")
        client.create_bucket(Bucket="outputs")
        yield client


@pytest.fixture(scope="module")
def gateway(store: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeGateway]:
    with served(tmp_path_factory.mktemp("async")) as running:
        (running.folder / "inputs").mkdir()
        yield running


@pytest.fixture
def runtime(gateway: RuntimeGateway) -> Iterator[Any]:
    with closing(gateway.client("local")) as client:
        yield client


def until(condition: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("the condition did not become true")


def path(location: str) -> Path:
    return Path(unquote(urlsplit(location).path))


def test_an_asynchronous_call_reads_and_writes_objects(gateway: RuntimeGateway, store: Any) -> None:
    store.put_object(Bucket="inputs", Key="a/1.json", Body=as_json(text="x" * 10_000))
    with closing(gateway.client("s3")) as runtime:
        reply = runtime.invoke_endpoint_async(
            EndpointName="probe-ml",
            InputLocation="s3://inputs/a/1.json",
            ContentType="application/json",
            InferenceId="mine-1",
            Filename="one.json",
            S3OutputPathExtension="today",
        )
    assert (reply["ResponseMetadata"]["HTTPStatusCode"], reply["InferenceId"]) == (202, "mine-1")
    key = "later/async-endpoint-outputs/probe-ml/today/one.json"
    assert reply["OutputLocation"] == f"s3://outputs/{key}"
    until(lambda: "Contents" in store.list_objects_v2(Bucket="outputs", Prefix=key))
    output = store.get_object(Bucket="outputs", Key=key)
    assert json.loads(output["Body"].read())["text"] == "x" * 10_000
    assert output["ContentType"] == "application/json"


FAILING = {
    "refused": (as_json(action="refuse"), "Received client error (422) from primary with message"),
    "too large": (bytes(20_001), "20001 bytes, at most 20000"),
    "missing": (None, "An error occurred (NoSuchKey)"),
}


@pytest.mark.parametrize(("body", "message"), FAILING.values(), ids=FAILING.keys())
def test_the_error_of_an_asynchronous_call_is_written_to_s3(
    gateway: RuntimeGateway, store: Any, body: bytes | None, message: str
) -> None:
    store.delete_object(Bucket="inputs", Key="bad")
    if body is not None:
        store.put_object(Bucket="inputs", Key="bad", Body=body)
    with closing(gateway.client("s3")) as runtime:
        reply = runtime.invoke_endpoint_async(EndpointName="probe", InputLocation="s3://inputs/bad")
    key = reply["FailureLocation"].removeprefix("s3://outputs/")
    assert key.startswith("later/async-endpoint-failures/probe/")
    until(lambda: "Contents" in store.list_objects_v2(Bucket="outputs", Prefix=key))
    assert message in store.get_object(Bucket="outputs", Key=key)["Body"].read().decode()


def test_an_asynchronous_call_may_use_files(gateway: RuntimeGateway, runtime: Any) -> None:
    file = gateway.folder / "inputs" / "a b.json"
    file.write_bytes(as_json(text="hi"))
    reply = runtime.invoke_endpoint_async(EndpointName="probe", InputLocation=file.as_uri())
    output = path(reply["OutputLocation"])
    assert output.is_relative_to(gateway.folder)
    until(output.exists)
    assert json.loads(output.read_bytes())["text"] == "hi"
    assert reply["InferenceId"]


def test_an_asynchronous_call_has_either_a_body_or_a_location(runtime: Any) -> None:
    if "Body" not in runtime.meta.service_model.operation_model("InvokeEndpointAsync").input_shape.members:
        pytest.skip("this boto3 sends no body with an asynchronous call")
    later = runtime.invoke_endpoint_async
    output = path(later(EndpointName="probe", Body=as_json(text="hi"))["OutputLocation"])
    until(output.exists)
    assert json.loads(output.read_bytes())["text"] == "hi"
    message = "InputLocation, Body: exactly one of the two is required"
    for both_or_none in ({}, {"Body": b"{}", "InputLocation": "s3://inputs/a"}):
        error = refusal(later, EndpointName="probe", **both_or_none)["Error"]
        assert error == {"Code": "ValidationError", "Message": message}
    error = refusal(later, EndpointName="probe", Body=bytes(128_001))["Error"]
    assert error["Message"].endswith("less than or equal to 128000")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("secret", "only files below"),
        ("inputs/../secret", "only files below"),
        ("inputs/link", "only files below"),
        ("inputs/%00", "null byte"),
    ],
)
def test_only_files_in_the_folder_of_the_inputs_are_read(
    gateway: RuntimeGateway, runtime: Any, name: str, message: str
) -> None:
    (gateway.folder / "secret").write_bytes(b"{}")
    link = gateway.folder / "inputs" / "link"
    if not link.is_symlink():
        link.symlink_to(gateway.folder / "secret")
    later = runtime.invoke_endpoint_async
    error = refusal(later, EndpointName="probe", InputLocation=f"file://{gateway.folder}/{name}")["Error"]
    assert error["Code"] == "ValidationError"
    assert message in error["Message"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("InputLocation", "https://example.com/a"),
        ("S3OutputPathExtension", "../up"),
        ("Filename", ".."),
        ("RequestTTLSeconds", 59),
        ("InvocationTimeoutSeconds", 3601),
    ],
)
def test_a_wrong_value_that_boto3_does_not_check_is_refused_with_its_name(
    runtime: Any, member: str, value: object
) -> None:
    parameters = {"EndpointName": "probe", "InputLocation": "s3://inputs/a", member: value}
    error = refusal(runtime.invoke_endpoint_async, **parameters)["Error"]
    assert error["Code"] == "ValidationError"
    assert f"Value '{value}' at '{member}'".lower() in error["Message"].lower()


def test_the_queue_is_bounded_and_calls_that_wait_or_run_too_long_fail(gateway: RuntimeGateway) -> None:
    file = gateway.folder / "inputs" / "slow.json"
    file.write_bytes(as_json(work_s=5))
    call = {"EndpointName": "probe", "InputLocation": file.as_uri()}
    with closing(gateway.client("narrow")) as runtime:
        running = runtime.invoke_endpoint_async(**call, InvocationTimeoutSeconds=2)
        waiting = runtime.invoke_endpoint_async(**call, RequestTTLSeconds=1)
        error = refusal(runtime.invoke_endpoint_async, **call)["Error"]
    assert error == {"Code": "ServiceUnavailable", "Message": "queue: full, at most 2 calls may wait"}
    expired, slow = (path(reply["FailureLocation"]) for reply in (waiting, running))
    until(expired.exists)
    assert expired.read_text() == "The request has expired: it waited for 1 s"
    until(slow.exists)
    assert slow.read_text() == "The container did not answer within 2 s"
