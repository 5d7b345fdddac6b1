"""Shared by all tests: every feature in turn, a service to ask, and the runtime's probe as a container."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from containers.general_ocr.reader import TextReader
from serving.client import Container, container
from serving.codec import JSON
from serving.feature import Feature, discover, find
from serving.hosted import Hosted
from serving.service import Reply
from serving.settings import Settings
from serving.weights import Store, Weights, WeightsError, resolve

from .origin import Server, running, store_in

PROBE = "tests.features.probe.feature"
SHARED = Path(__file__).parents[2] / "shared"
FEATURES = discover()
if (SHARED / "weights").is_dir():
    os.environ.setdefault("AIKIT_WEIGHTS_MIRROR", str(SHARED / "weights"))


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


def weights_of(feature: Feature, settings: Settings | None = None) -> Weights:
    """Those of its default profile; skips the test where they are not on this machine, and downloads none."""
    chosen = settings or Settings.read()
    try:
        return Store.of(chosen).resolve(feature, chosen.profile or feature.default_profile, download=False)
    except WeightsError as error:
        pytest.skip(str(error))


class Ask:
    """Asks features in process; each is loaded once for all tests. templates: where they are kept."""

    def __init__(self, stack: ExitStack, templates: Path) -> None:
        self._stack, self._templates = stack, templates
        self._loaded: dict[str, Hosted] = {}

    def __call__(
        self, feature: Feature, *bodies: bytes, content_type: str = JSON, accept: str = "*/*"
    ) -> list[Reply]:
        """The replies to concurrent requests."""
        hosted = self._loaded.get(feature.name)
        if hosted is None:
            settings = Settings.read(template_store=str(self._templates))
            weights_of(feature, settings)
            hosted = self._loaded[feature.name] = Hosted(feature, settings)
            self._stack.callback(hosted.close)
        with ThreadPoolExecutor(len(bodies)) as callers:
            return list(callers.map(lambda body: hosted.invoke(body, content_type, accept), bodies))


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    with ExitStack() as stack:
        yield Ask(stack, tmp_path_factory.mktemp("templates"))


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
