"""Several features in one container: each request reaches its feature, and a fault affects only one."""

from collections.abc import Iterator

import httpx
import pytest

from aikit.client import container
from tests.support.ask import PROBE

BOTH = f"{PROBE},tests.support.features.echo.feature"


@pytest.fixture(scope="module")
def together() -> Iterator[httpx.Client]:
    """An HTTP client of a container with two features."""
    with container(BOTH) as running, httpx.Client(base_url=running.url, timeout=60) as opened:
        yield opened


def pid(reply: httpx.Response) -> int:
    """Returns the process id of the model process that answered."""
    assert reply.status_code == 200, reply.text
    number: int = reply.json()["pid"]
    return number


@pytest.fixture(scope="module")
def pids(together: httpx.Client) -> dict[str, int]:
    """The process ids of the model processes, by feature."""
    return {name: pid(together.post(f"/invocations/{name}", json={})) for name in ("probe", "echo")}


def test_each_feature_has_its_own_model_process(pids: dict[str, int]) -> None:
    assert pids["probe"] != pids["echo"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/invocations/echo", {}),
        ("/invocations/reverberation-ml", {}),
        ("/invocations", {"X-Amzn-SageMaker-Target-Model": "echo"}),
        ("/invocations", {"X-Amzn-SageMaker-Target-Model": "/echo.tar.gz"}),
        ("/invocations", {"X-Amzn-SageMaker-Custom-Attributes": "trace=1; feature = echo"}),
    ],
)
def test_a_request_names_its_feature(
    together: httpx.Client, pids: dict[str, int], path: str, headers: dict[str, str]
) -> None:
    assert pid(together.post(path, json={}, headers=headers)) == pids["echo"]


@pytest.mark.parametrize(
    ("path", "fault"),
    [("/invocations", "none is named"), ("/invocations/face_detection", "no 'face_detection' here")],
)
def test_the_error_for_an_unknown_feature_lists_the_features(
    together: httpx.Client, path: str, fault: str
) -> None:
    reply = together.post(path, json={})
    assert (reply.status_code, reply.json()["detail"]) == (404, f"feature: {fault}; there is probe, echo")


def test_each_feature_has_its_own_counters(together: httpx.Client, pids: dict[str, int]) -> None:
    lines = together.get("/metrics").text.splitlines()
    counted = {line.partition(",")[0] for line in lines if line.startswith("aikit_requests_total")}
    assert counted == {'aikit_requests_total{feature="probe"', 'aikit_requests_total{feature="echo"'}


def test_the_crash_of_one_feature_does_not_affect_the_others(
    together: httpx.Client, pids: dict[str, int]
) -> None:
    assert together.post("/invocations/probe", json={"action": "die"}).status_code == 503
    assert pid(together.post("/invocations/echo", json={})) == pids["echo"]


def test_a_single_feature_needs_no_name_but_refuses_a_wrong_path(client: httpx.Client) -> None:
    target = {"X-Amzn-SageMaker-Target-Model": "whatever"}
    assert client.post("/invocations", json={}, headers=target).status_code == 200
    assert client.post("/invocations/probe", json={}).status_code == 200
    assert client.post("/invocations/echo", json={}).status_code == 404
