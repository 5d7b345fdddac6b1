"""Robustness of a container: overload, hang-ups, hangs, kill -9, SIGTERM with requests in flight."""

import asyncio
import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from aikit.client import Container, container
from tests.support.ask import PROBE

PATIENCE_S = 15.0


def until(met: Callable[[], bool]) -> None:
    """Waits until the condition is met, and fails after `PATIENCE_S`."""
    end, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not met():
        assert time.monotonic() < end, f"not met within {PATIENCE_S:g} s"
        pause.wait(0.02)


def at_once(url: str, *bodies: dict[str, object]) -> list[httpx.Response]:
    """Returns the responses to concurrent invocations."""

    async def run() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(bodies))
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
            return await asyncio.gather(*(client.post("/invocations", json=body) for body in bodies))

    return asyncio.run(run())


def with_all_in_flight(url: str, count: int, work_s: float, act: Callable[[], None]) -> list[httpx.Response]:
    """Returns the responses to `count` invocations; it calls `act` as soon as all of them are in flight."""

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            posts = [
                asyncio.create_task(client.post("/invocations", json={"work_s": work_s}))
                for _ in range(count)
            ]
            in_flight = f'aikit_in_flight{{feature="probe"}} {count:.1f}'
            while in_flight not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.01)
            act()
            return await asyncio.gather(*posts)

    return asyncio.run(run())


def test_concurrent_requests_share_batches(probe: Container) -> None:
    replies = at_once(probe.url, *({"text": str(n), "work_s": 0.05} for n in range(12)))
    assert [reply.json()["text"] for reply in replies] == [str(n) for n in range(12)]
    assert max(reply.json()["batch_size"] for reply in replies) > 1


def test_one_bad_input_does_not_fail_the_others(probe: Container) -> None:
    bodies: list[dict[str, object]] = [{"text": str(n), "work_s": 0.02} for n in range(8)]
    bodies[3]["action"] = "fail"
    statuses = [reply.status_code for reply in at_once(probe.url, *bodies)]
    assert statuses == [500 if n == 3 else 200 for n in range(8)]


def test_overload_is_refused_and_ping_stays_quick(probe: Container) -> None:
    pings: list[float] = []

    def ping() -> None:
        with httpx.Client(base_url=probe.url) as client:
            start = time.monotonic()
            assert client.get("/ping").status_code == 200
            pings.append(time.monotonic() - start)

    async def run() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=128)
        async with httpx.AsyncClient(base_url=probe.url, limits=limits, timeout=60) as client:
            posts = [
                asyncio.create_task(client.post("/invocations", json={"work_s": 0.02, "text": "x" * 10_000}))
                for _ in range(100)
            ]
            while not all(post.done() for post in posts):
                await asyncio.to_thread(ping)
            return [await post for post in posts]

    replies = asyncio.run(run())
    statuses = Counter(reply.status_code for reply in replies)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 16
    assert {reply.headers.get("retry-after") for reply in replies if reply.status_code == 503} == {"1"}
    assert statistics.median(pings) < 0.05


def test_a_caller_that_hangs_up_causes_no_forward_pass(probe: Container) -> None:
    with httpx.Client(base_url=probe.url, timeout=60) as client:
        patient = {"work_s": 0.5}
        for _ in range(6):  # each would occupy the model for two seconds
            with pytest.raises(httpx.ReadTimeout):
                client.post("/invocations", json={"work_s": 2.0, "text": "gone"}, timeout=0.05)
        start = time.monotonic()
        assert client.post("/invocations", json=patient).status_code == 200
        # the model may already have begun one of them; all six would take twelve seconds
        assert time.monotonic() - start < 6


def test_a_request_over_the_deadline_gets_504_and_frees_its_place() -> None:
    with container(PROBE, environ={"AIKIT_DEADLINE_S": "0.5"}) as running:
        first, second = at_once(running.url, {"work_s": 1}, {"work_s": 1})
        assert (first.status_code, second.status_code) == (504, 504)
        assert first.json()["detail"] == "no answer within 0.5 s"
        until(lambda: at_once(running.url, {})[0].status_code == 200)


def test_a_killed_model_process_is_replaced() -> None:
    with container(PROBE) as running, httpx.Client(base_url=running.url, timeout=60) as client:
        pid = client.post("/invocations", json={}).json()["pid"]
        replies = with_all_in_flight(running.url, 8, 1.0, lambda: os.kill(pid, signal.SIGKILL))
        assert {reply.status_code for reply in replies} == {503}
        start = time.monotonic()
        until(lambda: client.post("/invocations", json={}).status_code == 200)
        assert time.monotonic() - start < 10
        assert client.post("/invocations", json={}).json()["pid"] != pid
        assert running.process.poll() is None


def test_a_request_that_kills_the_model_process_fails_alone(probe: Container) -> None:
    assert at_once(probe.url, {"action": "die"})[0].status_code == 503
    until(lambda: at_once(probe.url, {})[0].status_code == 200)


def test_a_hung_model_turns_ping_to_503_and_is_replaced() -> None:
    environ = {"AIKIT_HANG_S": "1", "AIKIT_DEADLINE_S": "0.5"}
    with (
        container(PROBE, environ=environ) as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        assert client.post("/invocations", json={"action": "hang"}).status_code == 504
        until(lambda: client.get("/ping").status_code == 503)
        until(lambda: client.get("/ping").status_code == 200)
        assert client.post("/invocations", json={}).status_code == 200


def test_a_stopped_model_process_turns_ping_to_503() -> None:
    environ = {"AIKIT_HANG_S": "1"}
    with (
        container(PROBE, environ=environ) as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        os.kill(client.post("/invocations", json={}).json()["pid"], signal.SIGSTOP)
        until(lambda: client.get("/ping").status_code == 503)
        until(lambda: client.get("/ping").status_code == 200)


def test_a_model_process_that_stops_reading_does_not_delay_the_deadline() -> None:
    environ = {"AIKIT_DEADLINE_S": "1", "AIKIT_HANG_S": "20"}
    large: dict[str, object] = {"text": "x" * 3_000_000}  # more than the buffers of the socket pair
    with (
        container(PROBE, environ=environ) as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        pid = client.post("/invocations", json={}).json()["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            replies = at_once(running.url, *[large] * 4)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {reply.status_code for reply in replies} == {504}
        until(lambda: client.post("/invocations", json={}).status_code == 200)


def test_sigterm_loses_no_request_in_flight_and_exits_0() -> None:
    with container(PROBE) as running:
        replies = with_all_in_flight(running.url, 8, 0.3, running.process.terminate)
        assert [reply.status_code for reply in replies] == [200] * 8
        assert running.process.wait(PATIENCE_S) == 0


def test_a_stop_takes_no_longer_than_the_grace_period() -> None:
    with container(PROBE, environ={"AIKIT_GRACE_S": "1"}) as running:
        with httpx.Client(base_url=running.url) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/invocations", json={"action": "hang"}, timeout=0.3)
        start = time.monotonic()
        running.process.terminate()
        assert running.process.wait(PATIENCE_S) == 0
        assert time.monotonic() - start < 6


def test_random_weights_are_marked_in_every_reply() -> None:
    environ = {"AIKIT_PROFILE": "standard", "AIKIT_RANDOM_WEIGHTS": "true"}
    with container(PROBE, environ=environ) as running:
        assert at_once(running.url, {})[0].headers["x-aikit-weights"] == "random"


def test_real_weights_are_not_marked(probe: Container) -> None:
    assert "x-aikit-weights" not in at_once(probe.url, {})[0].headers
