"""Gateways that run in this process, and a check of their refusals."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import requests
from starlette.routing import BaseRoute

from deploy.local.api_gateway.api import LIMITS, GatewayLimits, api_routes
from deploy.local.fleet.fleet import Fleet
from deploy.local.options import Options
from serving.feature import find
from serving.settings import Settings
from tests.support.ask import PROBE

from .runtime_server import RuntimeServer
from .servers import fleet_server

FEATURE = find(PROBE)
Answer = requests.Response


class Gateway(NamedTuple):
    """A running gateway with its client.

    stage: the address of its stage. post: sends a request to the probe. ask: sends any request.
    """

    stage: str
    post: Callable[..., Answer]
    ask: Callable[..., Answer]

    @property
    def url(self) -> str:
        return f"{self.stage}/probe"

    @property
    def host(self) -> str:
        return self.stage.split("/")[2]


@contextmanager
def listening(routes: Callable[[Fleet, int], list[BaseRoute]]) -> Iterator[Gateway]:
    """Runs a gateway. routes: a function of the probe's fleet and the port."""
    fleet = Fleet([FEATURE], Settings.read(), memory_mb=4000, most=1)
    with requests.Session() as session, fleet_server(fleet, partial(routes, fleet)) as address:
        stage = f"{address}/prod"
        yield Gateway(stage, lambda **given: session.post(f"{stage}/probe", **given), session.request)


@contextmanager
def fronting(sagemaker: RuntimeServer, folder: Path) -> Iterator[Callable[..., Gateway]]:
    """Yields a function that starts gateways in front of this server. Their key files are in the folder."""
    options = Options(port=sagemaker.server_port, keys=folder / "keys.json", usage=folder / "usage.sqlite")
    with ExitStack() as stack:

        def start(limits: GatewayLimits = LIMITS, **given: Any) -> Gateway:
            chosen = replace(options, **given)
            return stack.enter_context(listening(lambda fleet, _: api_routes(fleet, chosen, limits)))

        yield start


def refused(answer: Answer, status: int, code: str, error_type: str) -> str:
    """Checks a refusal by the gateway itself, and returns its detail."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["x-amzn-ErrorType"] == error_type
    assert answer.headers["x-amzn-RequestId"] == problem["request_id"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return str(problem["detail"])
