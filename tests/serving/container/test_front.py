"""The container contract over real HTTP, tested with the probe feature."""

import base64
import io
import json
import socket
from zlib import crc32

import httpx
import pytest
from PIL import Image

from aikit.client import Container


def picture(width: int = 4, height: int = 3, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, kind)
    return buffer.getvalue()


def as_json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_ping_returns_200_and_an_empty_body(client: httpx.Client) -> None:
    response = client.get("/ping")
    assert (response.status_code, response.content) == (200, b"")


def test_an_invocation_is_answered(client: httpx.Client) -> None:
    response = client.post("/invocations", json={"text": "你好"})
    assert response.status_code == 200
    assert response.json()["text"] == "你好"
    assert response.headers["content-type"] == "application/json"
    assert {part.split(";")[0] for part in response.headers["server-timing"].split(", ")} == {
        "decode", "queue", "predict", "encode",
    }  # fmt: skip


def test_a_request_of_boto3_without_content_type_is_read_as_json(probe: Container) -> None:
    boto3 = pytest.importorskip("boto3")
    from botocore import UNSIGNED
    from botocore.config import Config

    runtime = boto3.client(
        "sagemaker-runtime",
        endpoint_url=probe.url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED),
    )
    # boto3 posts to /endpoints/NAME/invocations; this test changes the path to /invocations like SageMaker
    runtime.meta.events.register(
        "before-send.*", lambda request, **_: setattr(request, "url", f"{probe.url}/invocations")
    )
    reply = runtime.invoke_endpoint(
        EndpointName="probe", Body=as_json(text="hi"), CustomAttributes="trace=1", InferenceId="abc-1"
    )
    assert json.loads(reply["Body"].read())["text"] == "hi"
    assert reply["CustomAttributes"] == "trace=1"
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-request-id"] == "abc-1"


def test_unknown_headers_are_ignored_and_a_malformed_request_id_is_replaced(client: httpx.Client) -> None:
    response = client.post("/invocations", json={}, headers={"X-Whatever": "1", "X-Request-Id": "a b\tc"})
    assert response.status_code == 200
    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_an_image_may_be_sent_as_json_alone_or_as_a_form(client: httpx.Client, kind: str) -> None:
    data = picture(5, 4, kind)
    replies = [
        client.post("/invocations", json={"img": in_base64(data)}),
        client.post("/invocations", json={"img": f"data:image/png;base64,{in_base64(data)}"}),
        client.post("/invocations", content=data, headers={"Content-Type": f"image/{kind.lower()}"}),
        client.post("/invocations", content=data, headers={"Content-Type": "application/octet-stream"}),
        client.post("/invocations", files={"img": data}),
    ]
    assert [reply.json().get("image") for reply in replies] == [[4, 5]] * len(replies)


JSON = "application/json"
REFUSED = {
    "empty body": (b"", JSON, 400, "body: empty"),
    "bad JSON": (b'{"text": ', JSON, 400, "body: "),
    "not UTF-8": (b'{"text": "\xff"}', JSON, 400, "body: "),
    "wrong type": (as_json(text=5), JSON, 400, "text: expected `str`, got `int`"),
    "out of range": (as_json(work_s=99), JSON, 400, "work_s: expected `float` <= 10"),
    "unknown field": (as_json(nonsense=1), JSON, 400, "nonsense"),
    "a list": (b"[]", JSON, 400, "body: expected `object`"),
    "not base64": (as_json(img="!!"), JSON, 400, "img: not base64"),
    "not an image": (as_json(img=in_base64(b"hello, world")), JSON, 422, "img: "),
    "a GIF": (as_json(img=in_base64(picture(4, 4, "GIF"))), JSON, 422, "GIF"),
    "truncated image": (picture(200, 200, "PNG")[:-30], "image/png", 422, "img: "),
    "1x1 image": (picture(1, 1), "image/png", 422, "img: 1x1 px"),
    "4097 px image": (picture(4097, 2), "image/png", 422, "img: 4097x2 px, longest side at most 4096"),
    "wrong content type": (b"text=1", "text/csv", 415, "content-type: 'text/csv'"),
    "form without boundary": (b"x", "multipart/form-data", 400, "body: "),
    "private address": (as_json(url="http://169.254.169.254/latest/meta-data"), JSON, 422, "url: "),
    "file address": (as_json(url="file:///etc/passwd"), JSON, 422, "url: "),
    "bucket not allowed": (as_json(url="s3://somebody/else.jpg"), JSON, 422, "url: "),
    "refused by the model": (as_json(action="refuse"), JSON, 422, "text: refused"),
}


@pytest.mark.parametrize(("body", "content_type", "status", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_the_error_names_the_bad_input(
    client: httpx.Client, body: bytes, content_type: str, status: int, detail: str
) -> None:
    response = client.post("/invocations", content=body, headers={"Content-Type": content_type})
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status), problem
    assert detail in problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text


def test_a_decompression_bomb_is_refused_from_its_header(client: httpx.Client) -> None:
    bomb = bytearray(picture(2, 2))
    bomb[16:24] = (50_000).to_bytes(4, "big") * 2  # width and height in the IHDR chunk
    bomb[29:33] = crc32(bomb[12:29]).to_bytes(4, "big")
    response = client.post("/invocations", content=bytes(bomb), headers={"Content-Type": "image/png"})
    assert response.status_code == 422
    assert response.json()["detail"] == "img: too many pixels, longest side at most 4096 px"


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_60_mb_body_is_refused_before_it_is_read(client: httpx.Client, declared: bool) -> None:
    chunk = bytes(1 << 20)
    body = chunk * 60 if declared else (chunk for _ in range(60))
    response = client.post("/invocations", content=body, headers={"Content-Type": "image/png"})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    assert "at most" in response.json()["detail"] or "over" in response.json()["detail"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/*;q=0.5", ""])
def test_json_is_sent_when_the_header_accepts_it(client: httpx.Client, accept: str) -> None:
    assert client.post("/invocations", json={}, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "text/csv", "application/json;q=0"])
def test_another_media_type_in_accept_is_refused(client: httpx.Client, accept: str) -> None:
    response = client.post("/invocations", json={}, headers={"Accept": accept})
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")


def test_a_failure_returns_an_incident_and_no_traceback(client: httpx.Client) -> None:
    response = client.post("/invocations", json={"action": "fail"})
    assert response.status_code == 500
    assert response.json()["detail"] == f"internal error; incident {response.headers['x-request-id']}"
    assert client.get("/ping").status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/invocations", 405)])
def test_unknown_paths_and_methods_get_a_problem_body(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()["status"]) == (status, status)


def test_a_page_of_a_features_tools_has_a_strict_policy(client: httpx.Client) -> None:
    page = client.get("/tools/hello")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Hello</h1>" in page.text
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["nope", "hello.html", "..%2ffeature.py", "hello%00"])
def test_only_the_files_of_a_features_tools_are_served(client: httpx.Client, name: str) -> None:
    response = client.get(f"/tools/{name}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_parameters_of_batch_transform_respect_the_limit(client: httpx.Client) -> None:
    parameters = client.get("/execution-parameters").json()
    assert parameters["BatchStrategy"] == "SINGLE_RECORD"
    assert parameters["MaxConcurrentTransforms"] * parameters["MaxPayloadInMB"] <= 100


def test_metrics_count_the_requests(client: httpx.Client) -> None:
    def answered() -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("aikit_requests_total"))

    before = answered()
    client.post("/invocations", json={})
    client.post("/invocations", json={"text": 5})
    assert answered() == before + 2
    text = client.get("/metrics").text
    for name in ("in_flight", "queue_length", "batch_size_bucket", "stage_seconds_bucket", "ready"):
        assert f"aikit_{name}{{" in text


def test_half_a_request_does_not_delay_others(probe: Container, client: httpx.Client) -> None:
    host, port = probe.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert client.post("/invocations", json={}).status_code == 200
