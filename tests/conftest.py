"""Shared by all tests: every feature in turn, a service to ask, and the runtime's probe as a container."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.client import Container, container
from serving.feature import Feature, discover, find
from serving.service import Reply, Service
from serving.settings import Settings

PROBE = "tests.features.probe.feature"
SHARED = Path(__file__).parents[2] / "shared"
FEATURES = discover()


@pytest.fixture(params=FEATURES.values(), ids=FEATURES.keys())
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


def ask(feature: Feature | str, *bodies: bytes, content_type: str = "application/json") -> list[Reply]:
    """The replies of one fresh service to concurrent requests."""
    declared = find(feature) if isinstance(feature, str) else feature

    async def run() -> list[Reply]:
        async with Service.load(declared, Settings.read()) as service:
            return await asyncio.gather(*(service.invoke(body, content_type) for body in bodies))

    return asyncio.run(run())


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
