"""`aikit up`: runs the gateway process and its containers."""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import psutil
import uvicorn
import uvloop

from serving.feature import Feature
from serving.settings import Settings

from .api_gateway.auth import credentials
from .app import app
from .fleet.fleet import Fleet
from .fleet.table import Table
from .options import Options

_MB = 1 << 20
_SHARE = 0.75  # share of the free memory that the containers may use
_REFRESH_S = 1.0


def up(
    features: Sequence[Feature],
    settings: Settings,
    options: Options,
    *,
    memory_mb: float | None = None,
    most: int | None = None,
) -> int:
    """Runs until SIGTERM or SIGINT, then finishes the running requests. Returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # after its shutdown, uvicorn raises the signal again; this handler ignores it
        signal.signal(number, lambda *_: None)
    free_mb = memory_mb or _SHARE * psutil.virtual_memory().available / _MB
    fleet = Fleet(features, settings, memory_mb=free_mb, most=most or len(features))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(fleet, settings, options))


async def _run(fleet: Fleet, settings: Settings, options: Options) -> int:
    table = Table(sys.stderr)
    _log_to(table)
    server = uvicorn.Server(_config(fleet, settings, options))
    async with fleet:
        showing = asyncio.create_task(_show(table, fleet, server, options))
        with suppress(SystemExit):  # the port is in use; uvicorn has logged it
            await server.serve()
        showing.cancel()
        table.write("finishing the running requests\n")
    return 0 if server.started else 1


def _log_to(table: Table) -> None:
    """Sends log lines to the table.

    Without a table in place, each change of a container's state is also a log line.
    """
    logging.basicConfig(stream=table, format="%(levelname)s: %(message)s")
    logging.getLogger("deploy.local.fleet.replica").setLevel(
        logging.WARNING if table.in_place else logging.INFO
    )
    # the proxy logs a traceback when a container is unavailable; the table and the reply show that already
    logging.getLogger("deploy.functions.proxy").setLevel(logging.CRITICAL)


async def _show(table: Table, fleet: Fleet, server: uvicorn.Server, options: Options) -> None:
    while not server.started:
        await asyncio.sleep(_REFRESH_S / 10)
    url = options.public_url
    table.write(f"API Explorer       {url}/\n")
    table.write(f"API                {url}/{options.stage}/FEATURE   (auth: {options.auth})\n")
    table.write(f"sagemaker-runtime  {url}   (endpoint_url of boto3; the endpoint name is FEATURE)\n")
    table.write(f"metrics            {url}/metrics\n")
    if shown := credentials(options):
        table.write(f"credentials        {shown}\n")
    while True:
        table.show(fleet.states())
        await asyncio.sleep(_REFRESH_S)


def _config(fleet: Fleet, settings: Settings, options: Options) -> uvicorn.Config:
    return uvicorn.Config(
        app(fleet, options),
        host=options.host,
        port=options.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.grace_s),
    )
