"""Downloads: size limits, retries, checks against a declared or pinned hash, and concurrent pulls."""

import json
import multiprocessing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from serving.feature import Feature, Hub, Url
from serving.weights import Store, WeightsError
from serving.weights.sources import Mirrors
from tests.support.origin import (
    BAD,
    COMMIT,
    GOOD,
    Answer,
    Server,
    cached,
    downloaded,
    feature,
    put,
    sha256,
    weight,
)


def on_hub(server: Server, body: bytes = GOOD, revision: str = "main") -> Feature:
    """Returns a feature with a file on a hub, which names the commit and redirects to another server."""
    where = {"Location": "/storage", "X-Repo-Commit": COMMIT}
    for name in ("main", COMMIT):
        server.answers[f"/some/net/resolve/{name}/net.safetensors"] = Answer(status=302, headers=where)
    server.answers["/storage"] = Answer(body)
    source = Hub(repository="some/net", path="net.safetensors", revision=revision)
    return feature(weight(source, name="net.safetensors", sha256=None))


def test_a_download_is_stored_and_not_repeated(server: Server, store: Store) -> None:
    toy = downloaded(server)
    weights = store.resolve(toy, "lite")
    assert weights["net.onnx"].read_bytes() == GOOD
    assert weights["net.onnx"] == cached(store)
    assert not weights.random
    assert dict(store.resolve(toy, "lite")) == dict(weights)
    assert server.asked == ["/net.onnx"]


def test_redirects_are_followed(server: Server, store: Store) -> None:
    toy = downloaded(server, Answer(status=302, headers={"Location": "/elsewhere"}))
    server.answers["/elsewhere"] = Answer(GOOD)
    assert store.resolve(toy, "lite")["net.onnx"].read_bytes() == GOOD


@pytest.mark.parametrize(
    ("answer", "size", "reason"),
    [
        (Answer(BAD), None, f"gave sha256 {sha256(BAD)}, not {sha256(GOOD)}"),
        (Answer(status=404), None, "404 Not Found"),
        (Answer(GOOD), len(GOOD) - 1, f"over {len(GOOD) - 1} bytes"),
        (Answer(GOOD[:-1]), len(GOOD), f"gave sha256 {sha256(GOOD[:-1])}"),
    ],
    ids=["wrong hash", "404", "oversize", "short"],
)
def test_a_bad_download_is_refused_and_leaves_nothing(
    answer: Answer, size: int | None, reason: str, server: Server, store: Store
) -> None:
    with pytest.raises(WeightsError, match=reason):
        store.pull(downloaded(server, answer, size=size), "lite")
    assert server.asked == ["/net.onnx"], "a retry would not help"
    assert not [path for path in store.cache_dir.rglob("*.onnx*") if path.suffix != ".lock"]


@pytest.mark.parametrize(
    "answer", [Answer(GOOD, truncated=True), Answer(status=503)], ids=["truncated", "503"]
)
def test_a_broken_connection_is_tried_three_times(answer: Answer, server: Server, store: Store) -> None:
    with pytest.raises(WeightsError, match=r"peer closed|503"):
        store.pull(downloaded(server, answer), "lite")
    assert server.asked == ["/net.onnx"] * 3
    assert not cached(store).exists()


def test_a_hub_file_is_pinned_by_the_first_pull(server: Server, store: Store) -> None:
    weights = store.pull(on_hub(server), "lite")
    assert weights["net.safetensors"].read_bytes() == GOOD
    assert server.asked == ["/some/net/resolve/main/net.safetensors", "/storage"]
    pin = {
        "repository": "some/net",
        "file": "net.safetensors",
        "commit": COMMIT,
        "sha256": sha256(GOOD),
        "size": len(GOOD),
    }
    lock = store.cache_dir / "weights.lock"
    assert json.loads(lock.read_bytes()) == {"some/net@main/net.safetensors": pin}


def test_later_pulls_request_the_pinned_commit_and_check_its_hash(server: Server, store: Store) -> None:
    toy = on_hub(server)
    pulled = store.pull(toy, "lite")["net.safetensors"]
    lock = (store.cache_dir / "weights.lock").read_bytes()
    pulled.unlink()
    store.pull(toy, "lite")
    assert server.asked[2] == f"/some/net/resolve/{COMMIT}/net.safetensors"
    pulled.unlink()
    on_hub(server, GOOD[::-1])
    with pytest.raises(WeightsError, match=f"gave sha256 {sha256(GOOD[::-1])}, not {sha256(GOOD)}"):
        store.pull(toy, "lite")
    assert (store.cache_dir / "weights.lock").read_bytes() == lock
    assert not pulled.exists()


def test_the_lock_may_be_outside_the_cache_and_its_bytes_do_not_depend_on_the_order(
    server: Server, store: Store, tmp_path: Path
) -> None:
    def pulled(name: str, *files: str) -> bytes:
        lock = tmp_path / name / "weights.lock"
        here = Store(cache_dir=tmp_path / name, lock=lock, mirrors=Mirrors(hub=server.address))
        for file in files:
            where = f"/some/net/resolve/main/{file}"
            server.answers[where] = Answer(file.encode(), headers={"X-Repo-Commit": COMMIT})
            source = Hub(repository="some/net", path=file)
            here.pull(feature(weight(source, name=file, sha256=None)), "lite")
        return lock.read_bytes()

    assert pulled("one", "a.json", "b.json") == pulled("other", "b.json", "a.json")


def test_a_server_that_names_no_commit_is_not_accepted_as_a_hub(server: Server, store: Store) -> None:
    toy = on_hub(server)
    server.answers["/some/net/resolve/main/net.safetensors"] = Answer(GOOD)
    with pytest.raises(WeightsError, match="no Hugging Face hub"):
        store.pull(toy, "lite")


def test_the_error_names_a_broken_lock(server: Server, store: Store) -> None:
    lock = put(store.cache_dir / "weights.lock", b"[]")
    with pytest.raises(WeightsError, match=f"{lock}.*delete it; the next pull writes it again"):
        store.pull(on_hub(server), "lite")


def pull_at_once(barrier: Barrier, address: str, cache_dir: Path) -> None:
    toy = feature(weight(Url(address=address)))
    barrier.wait(timeout=60)
    assert Store(cache_dir=cache_dir).pull(toy, "lite")["net.onnx"].read_bytes() == GOOD


def test_two_processes_that_pull_one_file_download_it_once(server: Server, store: Store) -> None:
    downloaded(server)
    spawn = multiprocessing.get_context("spawn")
    given = (spawn.Barrier(2), f"{server.address}/net.onnx", store.cache_dir)
    processes = [spawn.Process(target=pull_at_once, args=given) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)
    assert [process.exitcode for process in processes] == [0, 0]
    assert server.asked == ["/net.onnx"]


def test_sources_are_tried_in_turn(server: Server, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers |= {"/bad.onnx": Answer(BAD), "/net.onnx": Answer(GOOD)}
    sources = [Url(address=f"{server.address}/{name}.onnx") for name in ("gone", "bad", "net", "unused")]
    assert store.pull(feature(weight(*sources)), "lite")["net.onnx"].read_bytes() == GOOD
    assert server.asked == ["/gone.onnx", "/bad.onnx", "/net.onnx"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.endswith("the next source is tried") for line in lines if "/gone" in line or "/bad" in line]
    with pytest.raises(WeightsError, match=r"gone.onnx.*404.*; .*bad.onnx gave sha256"):
        store.pull(feature(weight(*sources[:2], sha256=sha256(b"other"))), "lite")


def test_a_file_that_features_share_is_stored_once(server: Server, store: Store) -> None:
    toy = downloaded(server)
    renamed = feature(weight(Url(address=f"{server.address}/gone"), name="renamed.onnx"), profile="small")
    assert store.pull(toy, "lite")["net.onnx"] == store.pull(renamed, "small")["renamed.onnx"]
    assert server.asked == ["/net.onnx"]


def test_a_mirror_of_the_code_host_is_tried_first(server: Server, store: Store) -> None:
    original = "https://github.com/someone/net/releases/download/v1/net.onnx"
    server.answers[f"/{original}"] = Answer(GOOD)
    mirrors = Mirrors(url=f"{server.address}/")
    toy = feature(weight(Url(address=original)))
    assert replace(store, mirrors=mirrors).pull(toy, "lite")["net.onnx"].read_bytes() == GOOD
    assert mirrors.addresses(Url(address=original)) == [f"{server.address}/{original}", original]


def test_a_pinned_address_on_the_hub_is_asked_at_its_mirror(server: Server, store: Store) -> None:
    server.answers["/some/net/resolve/c0ffee/net.onnx"] = Answer(GOOD)
    source = Url(address="https://huggingface.co/some/net/resolve/c0ffee/net.onnx")
    assert store.pull(feature(weight(source)), "lite")["net.onnx"].read_bytes() == GOOD
