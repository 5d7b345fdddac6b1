"""Finding weights: the order of the places, the hashes, and the errors when a file is missing."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from serving.feature import Bundled, Hub, Profile, Url, WeightFile, discover
from serving.settings import Settings
from serving.weights.sources import Mirrors
from serving.weights.store import Store, WeightsError, resolve
from tests.support.origin import BAD, GOOD, Server, cached, downloaded, feature, put, sha256, weight
from tests.support.paths import SHARED


def test_the_places_are_searched_in_order(server: Server, store: Store, tmp_path: Path) -> None:
    """A file in a better place takes precedence over all others."""
    toy = downloaded(server)
    places = []
    for path in (tmp_path / "mirror/net.onnx", cached(store), tmp_path / "model/net.onnx"):
        put(path, GOOD)
        found = store.resolve(toy, "lite").files["net.onnx"]
        assert found.path == path
        places.append(found.place)
    assert places == ["mirror", "cache", "model folder"]
    assert server.asked == []


def test_own_weights_need_no_declared_hash_and_have_their_own_derived_files(
    server: Server, store: Store, tmp_path: Path
) -> None:
    toy = downloaded(server)
    declared = store.resolve(toy, "lite").derived("net-cpu")
    put(tmp_path / "model/net.onnx", b"own")
    own = store.resolve(toy, "lite")
    assert own.files["net.onnx"].sha256 == sha256(b"own")
    first = own.derived("net-cpu")
    put(tmp_path / "model/net.onnx", b"own, trained further")
    second = store.resolve(toy, "lite").derived("net-cpu")
    assert len({declared, first, second}) == 3
    assert all(
        path and path.is_relative_to(store.cache_dir) and path.name == "net-cpu" for path in (first, second)
    )


def test_a_damaged_cache_is_not_used_and_is_repaired(server: Server, store: Store) -> None:
    toy = downloaded(server)
    damaged = put(cached(store), BAD)
    with pytest.raises(WeightsError, match=f"{sha256(BAD)}, not {sha256(GOOD)}"):
        store.resolve(toy, "lite", download=False)
    assert [row.state for row in store.verify([toy])] == ["wrong hash"]
    store.pull(toy, "lite")
    assert damaged.read_bytes() == GOOD
    assert [row.state for row in store.verify([toy])] == ["ok"]


def test_a_mirror_is_matched_by_hash_and_pulled_into_the_cache(
    server: Server, store: Store, tmp_path: Path
) -> None:
    put(tmp_path / "mirror/another_name.bin", GOOD)
    manifest = [{"file": "another_name.bin", "sha256": sha256(GOOD), "license": "MIT"}]
    put(tmp_path / "mirror/manifest.json", json.dumps(manifest).encode())
    toy = downloaded(server)
    assert store.resolve(toy, "lite")["net.onnx"] == tmp_path / "mirror/another_name.bin"
    assert store.pull(toy, "lite")["net.onnx"] == cached(store)
    assert server.asked == []


def test_a_mirror_file_with_another_hash_than_its_manifest_says_is_not_used(
    server: Server, store: Store, tmp_path: Path
) -> None:
    put(tmp_path / "mirror/other.bin", BAD)
    put(
        tmp_path / "mirror/manifest.json",
        json.dumps([{"file": "other.bin", "sha256": sha256(GOOD)}]).encode(),
    )
    assert store.resolve(downloaded(server), "lite")["net.onnx"].read_bytes() == GOOD
    assert server.asked == ["/net.onnx"]


def test_the_error_names_a_broken_manifest(server: Server, store: Store, tmp_path: Path) -> None:
    put(tmp_path / "mirror/manifest.json", b"{")
    with pytest.raises(WeightsError, match=r"mirror.*manifest\.json"):
        store.resolve(downloaded(server), "lite")


def test_the_shared_mirror_contains_the_files_of_its_manifest(tmp_path: Path) -> None:
    default = SHARED / "weights"
    mirror = Path(os.environ.get("AIKIT_WEIGHTS_MIRROR") or default)
    if not (mirror / "manifest.json").exists():
        pytest.skip(f"no weights mirror: AIKIT_WEIGHTS_MIRROR is not set and there is no {default}")
    records = json.loads((mirror / "manifest.json").read_bytes())
    source = Url(address="http://127.0.0.1:9/never-asked")
    files = [
        weight(source, name=f"{record['role']}{Path(record['file']).suffix}", sha256=record["sha256"])
        for record in records
    ]
    store = Store(cache_dir=tmp_path, mirror=mirror)
    for record, file in zip(records, files, strict=True):
        found = store.resolve(feature(file), "lite", download=False).files[file.name]
        assert (found.path, found.sha256, found.place) == (
            mirror / record["file"],
            record["sha256"],
            "mirror",
        )


@pytest.mark.parametrize(
    "file",
    [
        weight(Hub(repository="some/net", path="net.onnx"), name="net.onnx"),
        weight(Hub(repository="some/net", path="pytorch_model.bin"), name="net.safetensors"),
        weight(Url(address="http://127.0.0.1:9/net.pkl"), name="net.pkl"),
        weight(Url(address="http://127.0.0.1:9/net.onnx"), sha256=None),
    ],
    ids=["not a hub format", "a hub pickle by another name", "a pickle", "no hash"],
)
def test_an_unsafe_declaration_is_refused(file: WeightFile, store: Store, tmp_path: Path) -> None:
    put(tmp_path / "model" / file.name, GOOD)
    with pytest.raises(WeightsError, match=r"must be \.|no sha256 is declared"):
        store.resolve(feature(file), "lite")


def test_an_unknown_profile_is_refused(server: Server, store: Store) -> None:
    with pytest.raises(WeightsError, match="no profile 'standard'; there is lite"):
        store.resolve(downloaded(server), "standard")


URL, HUB = Url(address="http://127.0.0.1:9/net.json"), Hub(repository="some/net", path="net.json")


@pytest.mark.parametrize(
    ("source", "profile", "command"),
    [(URL, "lite", "`aikit pull toy`"), (HUB, "standard", "`aikit pull toy --profile standard`")],
    ids=["url", "hub"],
)
def test_without_files_and_network_one_line_names_the_remedy(
    source: Url | Hub, profile: str, command: str, tmp_path: Path
) -> None:
    toy = feature(weight(source, name="net.json", license="BSD-3-Clause"), profile=profile)
    store = Store(cache_dir=tmp_path, mirrors=Mirrors(hub="http://127.0.0.1:9"))
    for download, reason in ((False, "nowhere on this machine"), (True, "Connection refused")):
        with pytest.raises(WeightsError) as failure:
            store.resolve(toy, profile, download=download)
        line = str(failure.value)
        assert "\n" not in line
        assert all(part in line for part in ("toy", "net.json", "BSD-3-Clause", reason, command))


def test_the_error_for_a_failed_download_names_a_profile_that_needs_none(store: Store) -> None:
    own = Profile(files=(weight(Bundled(package="toy", path="net.onnx")),), summary="Our own.", verified=True)
    toy = feature(weight(URL))
    toy = replace(toy, profiles={**toy.profiles, "bundled": own})
    with pytest.raises(WeightsError, match="--profile bundled needs no download"):
        store.resolve(toy, "lite")


def test_the_error_for_a_missing_package_names_its_requirement(store: Store) -> None:
    toy = feature(weight(Bundled(package="rapidocr", path="models/absent.onnx")))
    with pytest.raises(
        WeightsError, match=r"rapidocr is not installed, or is another .*pip install 'rapidocr>="
    ):
        store.pull(toy, "lite")


def test_the_error_names_a_cache_that_is_not_writable(server: Server, store: Store, tmp_path: Path) -> None:
    """A file stands in place of the folder, because file permissions do not stop root."""
    put(tmp_path / "cache", b"")
    with pytest.raises(WeightsError, match=f"no net.onnx .*{tmp_path / 'cache'}"):
        store.resolve(downloaded(server), "lite")
    assert server.asked == []


def test_random_weights_may_be_incomplete_and_are_marked(
    server: Server, store: Store, tmp_path: Path
) -> None:
    put(tmp_path / "model/other.onnx", GOOD)
    source = Url(address=f"{server.address}/net.onnx")
    toy = feature(weight(source), weight(source, name="other.onnx"))
    weights = store.resolve(toy, "lite", random=True)
    assert weights.random
    assert list(weights) == ["other.onnx"]
    assert weights.derived("net") is None
    assert server.asked == []


def test_complete_weights_are_not_random(server: Server, store: Store, tmp_path: Path) -> None:
    put(tmp_path / "model/net.onnx", GOOD)
    assert not store.resolve(downloaded(server), "lite", random=True).random


@pytest.mark.parametrize("name", sorted(discover()))
def test_verify_distinguishes_installed_files_from_those_to_pull(name: str, tmp_path: Path) -> None:
    declared = discover()[name]
    rows = Store(cache_dir=tmp_path).verify([declared])
    files = [file for profile in declared.profiles.values() for file in profile.files]
    states = ["ok" if isinstance(file.sources[0], Bundled) else "missing" for file in files]
    assert [(row.file, row.license, row.state) for row in rows] == [
        (file.name, file.license, state) for file, state in zip(files, states, strict=True)
    ]


def test_verify_names_own_weights(server: Server, store: Store, tmp_path: Path) -> None:
    own = put(tmp_path / "model/net.onnx", b"own")
    (row,) = store.verify([downloaded(server)])
    assert (row.state, row.place) == ("own", f"model folder: {own}")


def test_bundled_files_are_read_where_they_are_installed(tmp_path: Path) -> None:
    weights = resolve(discover()["general_ocr"], Settings(cache_dir=tmp_path, model_dir=tmp_path / "none"))
    assert {found.place for found in weights.files.values()} == {"package"}
    assert not list(tmp_path.iterdir())
