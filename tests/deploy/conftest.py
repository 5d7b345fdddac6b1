"""Credentials for the AWS clients in the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.runtime_server import ENVIRONMENT


@pytest.fixture(scope="module")
def aws_credentials() -> Iterator[None]:
    """Sets credentials and a region that only the simulated AWS accepts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield
