"""Fixtures of all tests: every feature in turn, a service to ask, and the probe feature as a container."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from aikit.client import Container, container
from containers.general_ocr.reader import TextReader
from serving.feature import Feature, discover, find
from serving.settings import Settings
from serving.weights import Store, resolve
from tests.support.ask import PROBE, Ask
from tests.support.origin import Server, running, store_in
from tests.support.paths import SHARED

FEATURES = discover()
if (SHARED / "weights").is_dir():
    os.environ.setdefault("AIKIT_WEIGHTS_MIRROR", str(SHARED / "weights"))

# Both limits are in wall-clock time, so a correct test can exceed them when other processes use the machine:
# the deadline of one example (200 ms), and the health check for slow generation of examples.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


@pytest.fixture(params=list(FEATURES.values()), ids=list(FEATURES))
def feature(request: pytest.FixtureRequest) -> Feature:
    """Each feature in turn: a test that takes it states a rule every feature obeys."""
    found: Feature = request.param
    return found


@pytest.fixture(scope="session")
def photographs() -> Path:
    """Folder of real photographs of text; they are never committed."""
    folder = SHARED / "images" / "ocr"
    if not folder.is_dir():
        pytest.skip(f"no real photographs: {folder} does not exist")
    return folder


@pytest.fixture(scope="session")
def reader() -> TextReader:
    """general_ocr's reader with its bundled weights."""
    settings = Settings.read()
    return TextReader.load(resolve(find("general_ocr"), settings), "cpu")


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    with ExitStack() as stack:
        yield Ask(stack, tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def probe() -> Iterator[Container]:
    """The probe's container process."""
    with container(PROBE) as running:
        yield running


@pytest.fixture
def client(probe: Container) -> Iterator[httpx.Client]:
    """HTTP to the probe."""
    with httpx.Client(base_url=probe.url, timeout=60) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[Server]:
    """Where weights are downloaded from in the tests."""
    with running() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path, server: Server) -> Store:
    """Weights kept in a fresh folder."""
    return store_in(tmp_path, server)
