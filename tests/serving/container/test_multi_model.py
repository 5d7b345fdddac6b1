"""SageMaker's multi-model contract: models are loaded and unloaded while the container runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aikit.client import container
from tests.support.ask import PROBE


@pytest.fixture(scope="module")
def host() -> Iterator[httpx.Client]:
    """An HTTP client of a container that starts without a feature."""
    environ = {"SAGEMAKER_MULTI_MODEL": "true", "AIKIT_FEATURE": "general_ocr"}
    with container("", environ=environ) as running, httpx.Client(base_url=running.url, timeout=60) as opened:
        yield opened


def model_folder(tmp_path: Path, **declared: str) -> str:
    (tmp_path / "aikit.json").write_text(json.dumps(declared))
    return str(tmp_path)


def test_a_model_is_loaded_called_listed_and_unloaded(host: httpx.Client, tmp_path: Path) -> None:
    url = model_folder(tmp_path, feature=PROBE)
    wanted = {"model_name": "4f2c", "url": url}
    described = {"modelName": "4f2c", "modelUrl": url}
    assert host.get("/models/4f2c").status_code == 404
    assert host.post("/models", json=wanted).status_code == 200
    assert host.post("/models", json=wanted).status_code == 409
    assert host.get("/models").json() == {"models": [described]}
    assert host.get("/models/4f2c").json() == described
    reply = host.post(
        "/models/4f2c/invoke", json={"text": "hi"}, headers={"X-Amzn-SageMaker-Target-Model": "a"}
    )
    assert (reply.status_code, reply.json()["text"]) == (200, "hi")
    assert host.delete("/models/4f2c").status_code == 200
    assert host.delete("/models/4f2c").status_code == 404
    assert host.post("/models/4f2c/invoke", json={}).status_code == 404
    assert host.get("/ping").status_code == 200


def test_the_list_has_pages_and_is_sorted_by_name(host: httpx.Client, tmp_path: Path) -> None:
    for name in ("b", "a"):
        folder = tmp_path / name
        folder.mkdir()
        loaded = host.post("/models", json={"model_name": name, "url": model_folder(folder, feature=PROBE)})
        assert loaded.status_code == 200
    assert [model["modelName"] for model in host.get("/models").json()["models"]] == ["a", "b"]
    rest = host.get("/models", params={"next_page_token": "a"}).json()
    assert [model["modelName"] for model in rest["models"]] == ["b"]
    assert "nextPageToken" not in rest
    for name in ("a", "b"):
        host.delete(f"/models/{name}")


@pytest.mark.parametrize(
    ("declared", "status", "fault"),
    [
        ({"feature": "no_such_feature"}, 400, "no 'no_such_feature'"),
        ({"profile": "lite"}, 400, "aikit.json"),
        ({"feature": PROBE, "profile": "standard"}, 400, "ended with 78"),
    ],
)
def test_the_error_for_a_model_that_cannot_be_loaded_gives_the_reason(
    host: httpx.Client, tmp_path: Path, declared: dict[str, str], status: int, fault: str
) -> None:
    reply = host.post("/models", json={"model_name": "x", "url": model_folder(tmp_path, **declared)})
    assert reply.status_code == status
    assert fault in reply.json()["detail"]
    assert host.get("/models/x").status_code == 404


def test_too_little_memory_gives_507(host: httpx.Client, tmp_path: Path) -> None:
    url = model_folder(tmp_path, feature="tests.support.features.giant.feature")
    reply = host.post("/models", json={"model_name": "g", "url": url})
    assert (reply.status_code, reply.json()["code"]) == (507, "out_of_memory")


def test_a_body_that_names_no_model_is_refused(host: httpx.Client) -> None:
    assert host.post("/models", json={"model_name": "x"}).status_code == 400
