"""A simulated sagemaker-runtime, and gateways in front of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.gateways import Gateway, fronting
from tests.support.runtime_server import RuntimeServer, running


@pytest.fixture(scope="module")
def sagemaker() -> Iterator[RuntimeServer]:
    with running() as server:
        yield server


@pytest.fixture
def before(sagemaker: RuntimeServer, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """A function that starts gateways in front of `sagemaker`."""
    with fronting(sagemaker, tmp_path) as start:
        yield start
