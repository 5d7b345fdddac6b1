"""SageMaker's inference toolkit: the four functions, and SageMaker's server with a one-line inference.py."""

import io
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from PIL import Image

from serving.adapters.sagemaker import input_fn, model_fn, output_fn, predict_fn, settings_for
from tests.support.ask import PROBE
from tests.support.paths import ROOT

PYTHON = ROOT / ".venv-mms" / "bin" / "python"
START_S = 30
# does the same as the entry point of the image, but the server's configuration is in the working folder
START = """
from sagemaker_inference import model_server
model_server.MMS_CONFIG_FILE = "mms.properties"
model_server.start_model_server()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An HTTP client of SageMaker's server, which serves the probe on a free port."""
    if not shutil.which("java"):
        pytest.skip("no Java: install default-jre-headless")
    if not PYTHON.exists():
        pytest.skip(f"no {PYTHON.parents[1].name}: make mms-venv creates it")
    folder = tmp_path_factory.mktemp("mms")
    code = folder / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text("from serving.sagemaker import *\n")
    port = free_low_port()
    with (folder / "log").open("wb") as log:
        environment = environment_for(folder, port)
        process = subprocess.Popen(
            [str(PYTHON), "-c", START],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=START_S) as client:
            wait_until_up(client, process, folder / "log")
            yield client
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # Java and its workers are in the same session
        process.wait(timeout=10)


def free_low_port() -> int:
    """Returns a free port of at most 32767, because Multi Model Server accepts no higher one."""
    for port in random.sample(range(20000, 32768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("no port is free among a hundred")


def environment_for(folder: Path, port: int) -> dict[str, str]:
    return {
        "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AIKIT_FEATURE": PROBE,
        "SAGEMAKER_BASE_DIR": str(folder),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "60",
        "TEMP": str(folder),  # read by Java
        "TMPDIR": str(folder),
        "LOG_LOCATION": str(folder),
        "METRICS_LOCATION": str(folder),
    }


def wait_until_up(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            client.get("/ping").raise_for_status()
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            break
    pytest.fail(f"the server is not up:\n{log.read_text()[-2000:]}")


def jpeg(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "JPEG")
    return file.getvalue()


def post(server: httpx.Client, body: bytes, content_type: str, **headers: str) -> httpx.Response:
    return server.post("/invocations", content=body, headers={"Content-Type": content_type, **headers})


def test_sagemakers_server_answers_json(server: httpx.Client) -> None:
    reply = post(server, '{"text": "饮料"}'.encode(), "application/json")
    assert (reply.status_code, reply.headers["content-type"]) == (HTTPStatus.OK, "application/json")
    assert reply.json()["text"] == "饮料"


def test_sagemakers_server_answers_an_image_alone(server: httpx.Client) -> None:
    reply = post(server, jpeg(30, 20), "image/jpeg")
    assert reply.json()["image"] == [20, 30]


def test_custom_attributes_are_returned(server: httpx.Client) -> None:
    name = "X-Amzn-SageMaker-Custom-Attributes"
    assert post(server, b"{}", "application/json", **{name: "trace=1"}).headers[name] == "trace=1"


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (b"", "application/json", "*/*", HTTPStatus.BAD_REQUEST),
        (b"\xff", "application/json", "*/*", HTTPStatus.BAD_REQUEST),
        (b'{"text": 1}', "application/json", "*/*", HTTPStatus.BAD_REQUEST),
        (b"{}", "application/json", "text/csv", HTTPStatus.NOT_ACCEPTABLE),
        (b"text", "text/plain", "*/*", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        (b"no image", "image/jpeg", "*/*", HTTPStatus.UNPROCESSABLE_ENTITY),
        (b'{"action": "fail"}', "application/json", "*/*", HTTPStatus.INTERNAL_SERVER_ERROR),
    ],
    ids=["empty", "not UTF-8", "wrong type", "accept", "content type", "no image", "bug"],
)
def test_a_failure_keeps_our_status_and_problem_body(
    server: httpx.Client, body: bytes, content_type: str, accept: str, status: HTTPStatus
) -> None:
    reply = post(server, body, content_type, Accept=accept)
    assert reply.status_code == reply.json()["status"] == status
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert "Traceback" not in reply.text


def test_without_a_context_the_bodies_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIKIT_FEATURE", PROBE)
    model = model_fn(str(tmp_path))
    body, content_type = output_fn(predict_fn(input_fn('{"text": "a"}', "application/json"), model), "*/*")
    assert (body[:11], content_type) == (b'{"text":"a"', "application/json")
    body, _ = output_fn(predict_fn(input_fn(bytearray(b"x"), None), model), "*/*")
    assert b'"code":"invalid_request"' in body
    model.close()


def test_a_feature_that_cannot_be_loaded_ends_the_worker_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIKIT_FEATURE", "nope")
    with pytest.raises(SystemExit, match="feature: no 'nope'; there is "):
        model_fn(str(tmp_path))


class Worker:
    """A context like that of the server for a worker on its third GPU."""

    system_properties: ClassVar = {"gpu_id": 2}


def test_the_model_folder_and_the_gpu_of_the_worker_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for("/opt/ml/model", Worker())
    assert (settings.model_dir, settings.device) == (Path("/opt/ml/model"), "cuda:2")
    assert settings_for("/opt/ml/model").device == "auto"
    monkeypatch.setenv("AIKIT_DEVICE", "cpu")
    assert settings_for("/opt/ml/model", Worker()).device == "cpu"
