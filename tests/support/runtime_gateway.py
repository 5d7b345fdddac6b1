"""The local stack's sagemaker-runtime, and helpers of its tests."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.routing import Mount

from deploy.local.fleet.fleet import Fleet
from deploy.local.options import Options
from deploy.local.runtime.limits import RuntimeLimits, Seconds
from deploy.local.runtime.locations import Locations
from deploy.local.runtime.runtime import runtime_routes
from serving.http import Json
from serving.settings import Settings
from tests.support.features.probe.feature import feature as probe
from tests.support.servers import fleet_server

LIMITS = RuntimeLimits(body=8192, reply=4096, part=1000, async_body=20_000)
NARROW = RuntimeLimits(async_at_once=1, async_waiting=2, async_ttl_s=Seconds(1, 60, 60))
ABSENT = replace(probe, module="tests.support.features.absent.feature")


class RuntimeGateway(NamedTuple):
    """A running sagemaker-runtime. folder: inputs and outputs of the asynchronous calls without S3."""

    address: str
    folder: Path

    def client(self, mount: str) -> Any:
        """Returns a boto3 client of one mount, which leaves the validation to the server."""
        once = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        return boto3.client("sagemaker-runtime", endpoint_url=f"{self.address}/{mount}", config=once)


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[RuntimeGateway]:
    """Serves the probe at three mounts: `local`, `s3` with outputs in S3, and `narrow` with low limits."""
    options = Options(aliases={"my-endpoint": "probe"})
    fleet = Fleet([probe, ABSENT], Settings.read(**settings), memory_mb=100_000, most=2)
    mounts = {
        "local": (LIMITS, Locations.below(folder)),
        "s3": (LIMITS, Locations(folder, "s3://outputs/later")),
        "narrow": (NARROW, Locations.below(folder)),
    }
    routes = [
        Mount(f"/{name}", routes=runtime_routes(fleet, options, limits=limits, locations=locations))
        for name, (limits, locations) in mounts.items()
    ]
    with fleet_server(fleet, lambda _: routes) as address:
        yield RuntimeGateway(address, folder)


def as_json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def refusal(call: Callable[..., Any], **parameters: object) -> Json:
    """Makes a call that the server refuses, and returns the error."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: Json = caught.value.response
    return response
