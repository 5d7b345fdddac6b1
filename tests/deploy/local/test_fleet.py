"""The containers behind the gateway: they start on first use, are replaced or stopped, and end in order."""

import asyncio
import io
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import takewhile

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.fleet.fleet import ContainerReply, ContainerState, Fleet
from deploy.local.fleet.table import Table
from serving.errors import DeadlineExceeded, Unavailable
from serving.feature import Feature
from serving.http import free_port
from serving.settings import Settings
from tests.support.features.echo.feature import feature as echo
from tests.support.features.probe.feature import feature as probe

JSON = {"Content-Type": "application/json"}
PLENTY_MB = 100_000.0


def served(
    use: Callable[[Fleet], Awaitable[None]],
    *,
    most: int = 2,
    memory_mb: float = PLENTY_MB,
    **given: object,
) -> None:
    """Calls `use` with a fleet of the probe and the echo, and closes the fleet."""

    async def run() -> None:
        async with Fleet([probe, echo], Settings.read({}, **given), memory_mb=PLENTY_MB, most=most) as fleet:
            await use(fleet)

    asyncio.run(run())


def say(fleet: Fleet, feature: Feature, **fields: object) -> Awaitable[ContainerReply]:
    return fleet.call(feature, json.dumps(fields).encode(), JSON)


def states(fleet: Fleet) -> list[str]:
    return [state.state for state in fleet.states()]


def containers() -> list[psutil.Process]:
    """The containers that this process has started, the oldest first."""
    return [one for one in psutil.Process().children() if "aikit" in one.cmdline()]


def test_a_container_is_started_once_by_the_first_callers_and_ends_with_the_fleet() -> None:
    async def use(fleet: Fleet) -> None:
        assert states(fleet) == ["idle", "idle"]
        replies = await asyncio.gather(*(say(fleet, probe, text=str(n)) for n in range(3)))
        assert [reply.status for reply in replies] == [200, 200, 200]
        assert [json.loads(reply.body)["text"] for reply in replies] == ["0", "1", "2"]
        assert replies[0].headers["content-type"] == "application/json"
        assert states(fleet) == ["ready", "idle"]
        assert len(containers()) == 1
        state = fleet.states()[0]
        assert (state.feature, state.requests, state.queue, state.reason) == ("probe", 3, 0, "")
        assert 0 < state.p50_ms <= state.p95_ms
        assert 20 < state.memory_mb < 4000

    served(use)
    assert not containers()


def test_a_feature_is_found_by_any_of_its_names() -> None:
    async def use(fleet: Fleet) -> None:
        assert fleet.find("echo-ml") is fleet.find("reverberation") is fleet.features["echo"]
        assert fleet.find("barcode") is None

    served(use)


def test_a_container_that_dies_is_shown_and_replaced_at_the_next_call() -> None:
    async def use(fleet: Fleet) -> None:
        await say(fleet, probe)
        (before,) = containers()
        waiting = asyncio.ensure_future(say(fleet, probe, work_s=10))
        await until(fleet, lambda states: states[0].queue == 1)
        before.kill()
        with pytest.raises(Unavailable, match="the container ended without an answer"):
            await waiting
        await until(fleet, lambda states: states[0].state == "restarting")
        assert fleet.states()[0].reason == f"the container ended with -{signal.SIGKILL.value}"
        assert (await say(fleet, probe)).status == 200
        (after,) = containers()
        assert after.pid != before.pid
        assert states(fleet)[0] == "ready"

    served(use)


def test_an_idle_container_is_stopped_to_make_room_but_a_busy_one_finishes_first() -> None:
    async def use(fleet: Fleet) -> None:
        await say(fleet, probe)
        busy = asyncio.ensure_future(say(fleet, probe, work_s=0.5, text="kept"))
        await until(fleet, lambda states: states[0].queue == 1)
        other = await say(fleet, echo)
        assert busy.done()
        assert json.loads((await busy).body)["text"] == "kept"
        assert other.status == 200
        assert states(fleet) == ["idle", "ready"]
        assert len(containers()) == 1

    served(use, most=1)


def test_missing_weights_are_the_reason_of_the_failure() -> None:
    async def use(fleet: Fleet) -> None:
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"probe.*probe\.safetensors"):
                await say(fleet, probe)
        assert states(fleet) == ["failed", "idle"]
        assert "probe.safetensors" in fleet.states()[0].reason
        assert "\n" not in fleet.states()[0].reason

    served(use, profile="standard")


def test_a_call_times_out_while_its_container_goes_on_starting() -> None:
    async def use(fleet: Fleet) -> None:
        with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.1 s"):
            await say(fleet, probe)
        await until(fleet, lambda states: states[0].state == "ready")

    served(use, deadline_s=0.1)


def test_the_metrics_of_all_containers_are_one_document() -> None:
    async def use(fleet: Fleet) -> None:
        assert await fleet.metrics() == b""
        await asyncio.gather(say(fleet, probe), say(fleet, echo), say(fleet, echo))
        text = (await fleet.metrics()).decode()
        assert text.count("# TYPE aikit_requests_total counter") == 1
        families = {family.name: family for family in text_string_to_metric_families(text)}
        counted = {
            sample.labels["feature"]: sample.value
            for sample in families["aikit_requests"].samples
            if sample.name == "aikit_requests_total"
        }
        assert counted == {"probe": 1, "echo": 2}

    served(use)


def test_up_logs_state_changes_respects_its_memory_limit_and_finishes_requests() -> None:
    features = ("tests.support.features.probe.feature", "tests.support.features.echo.feature")
    command = (sys.executable, "-m", "aikit", "up", *features, "--memory", "1", "--port", str(free_port()))
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up,
        ExitStack() as stack,
        ThreadPoolExecutor() as threads,
    ):
        stack.callback(up.terminate)
        assert up.stderr is not None
        url = next(line.split()[1] for line in up.stderr if "FEATURE " in line)
        assert httpx.get(url.replace("/prod/FEATURE", "/ping")).status_code == 200
        ask = partial(httpx.post, timeout=60)
        assert ask(url.replace("FEATURE", "echo"), json={}).status_code == 200
        slow = threads.submit(ask, url.replace("FEATURE", "probe"), json={"text": "late", "work_s": 1.5})
        seen = list(takewhile(lambda line: line != "INFO: probe: ready\n", up.stderr))
        assert seen[-3:] == ["INFO: echo: ready\n", "INFO: echo: idle\n", "INFO: probe: starting\n"]
        up.terminate()
        assert slow.result().json()["text"] == "late"
        assert up.wait(30) == 0


def test_the_table_is_rewritten_in_place_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    shown = Table(screen)
    state = ContainerState("probe", "ready", 2, 7.4, 9.6, 1, 74.2, "")
    shown.show([state])
    assert screen.getvalue() == (
        "feature  state  requests  p50 ms  p95 ms  queue  memory MB\n"
        "probe    ready  2         7       10      1      74\n"
    )
    shown.write("probe: failed\n")
    assert screen.getvalue().endswith("\x1b[2F\x1b[Jprobe: failed\n")


async def until(fleet: Fleet, seen: Callable[[list[ContainerState]], bool]) -> None:
    async with asyncio.timeout(60):
        while not seen(fleet.states()):
            await asyncio.sleep(0.02)
