"""The containers of all features. Each starts on first use; idle ones are stopped to make room."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import httpx
import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from serving.errors import DeadlineExceeded
from serving.feature import Feature
from serving.settings import Settings

from .replica import ContainerReply, ContainerState, Replica

__all__ = ["ContainerReply", "ContainerState", "Fleet"]

_MB = 1 << 20


class Fleet:
    """The containers of several features. Use it as `async with Fleet(...)`.

    At the end, every container finishes its requests.
    memory_mb: limit for the memory of all running containers. A container that needs more may run alone.
    most: limit for the number of running containers.
    """

    def __init__(
        self, features: Sequence[Feature], settings: Settings, *, memory_mb: float, most: int
    ) -> None:
        self.features = {feature.name: feature for feature in features}
        self._settings = settings
        self._memory_mb = memory_mb
        self._most = most
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), trust_env=False)
        self._freed = asyncio.Event()
        self._replicas = {
            name: Replica(feature, settings, self._client, self._freed)
            for name, feature in self.features.items()
        }
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()  # one container at a time waits for memory, in the order of the calls
        self._cores = asyncio.Semaphore(os.cpu_count() or 1)  # loading a model uses one core

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        starting = list(self._starting.values())
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        await asyncio.gather(*(replica.stop() for replica in self._replicas.values()))
        await self._client.aclose()

    def find(self, name: str) -> Feature | None:
        """Returns the feature with this name among its names, or None."""
        return next((feature for feature in self.features.values() if name in feature.names), None)

    async def call(self, feature: Feature, body: bytes, headers: Mapping[str, str]) -> ContainerReply:
        """Returns the reply of the feature's container. Raises `Unavailable` and `DeadlineExceeded`."""
        replica = self._replicas[feature.name]
        limit_s = self._settings.deadline_s
        try:
            async with asyncio.timeout(limit_s):
                with self._busy(replica):
                    await self._ready(replica)
                    return await replica.post(body, headers)
        except TimeoutError:
            raise DeadlineExceeded(f"no answer within {limit_s:g} s") from None

    def states(self) -> list[ContainerState]:
        """Returns the states of all containers, in the order of the features."""
        used_mb = self._used_mb()
        return [replica.snapshot(used_mb[name]) for name, replica in self._replicas.items()]

    async def metrics(self) -> bytes:
        """Returns the metrics of all running containers as one document in Prometheus' text format."""
        texts = await asyncio.gather(*(replica.metrics() for replica in self._replicas.values()))
        registry = CollectorRegistry()
        registry.register(_Merged(texts))
        return generate_latest(registry)

    @contextmanager
    def _busy(self, replica: Replica) -> Iterator[None]:
        """Counts a request of the container, which is not stopped while it has requests."""
        replica.in_flight += 1
        try:
            yield
        finally:
            replica.in_flight -= 1
            replica.last_used = asyncio.get_running_loop().time()
            self._freed.set()

    async def _ready(self, replica: Replica) -> None:
        """Starts the container if no other call does, and waits for it.

        The start goes on when a caller gives up.
        """
        name = replica.feature.name
        if replica.state == "ready":
            return
        if name not in self._starting:
            task = self._starting[name] = asyncio.create_task(self._start(replica))
            task.add_done_callback(lambda done: self._started(name, done))
        await asyncio.shield(self._starting[name])

    def _started(self, name: str, done: "asyncio.Task[None]") -> None:
        del self._starting[name]
        if not done.cancelled():
            done.exception()  # the waiting calls have raised it; asyncio complains if nothing reads it

    async def _start(self, replica: Replica) -> None:
        await replica.back_off()
        async with self._cores:
            async with self._turn:
                await self._make_room(replica)
                replica.become("starting")
            await replica.start()

    async def _make_room(self, wanted: Replica) -> None:
        while not self._fits(wanted):
            idle = [one for one in self._replicas.values() if one.state == "ready" and not one.in_flight]
            if idle:
                await min(idle, key=lambda one: one.last_used).stop()
            else:
                self._freed.clear()
                await self._freed.wait()

    def _fits(self, wanted: Replica) -> bool:
        running = [one for one in self._replicas.values() if one.running and one is not wanted]
        used_mb = self._used_mb()
        memory_mb = wanted.feature.resources.memory_mb + sum(
            used_mb[one.feature.name] if one.state == "ready" else one.feature.resources.memory_mb
            for one in running
        )
        return not running or (len(running) < self._most and memory_mb <= self._memory_mb)

    def _used_mb(self) -> dict[str, float]:
        measured = _resident_mb(replica.pid for replica in self._replicas.values() if replica.pid)
        return {name: measured.get(replica.pid, 0.0) for name, replica in self._replicas.items()}


def _resident_mb(roots: Iterable[int]) -> dict[int, float]:
    """Returns the resident memory of each process, by id, including all processes that it has started."""
    sums = dict.fromkeys(roots, 0.0)
    parents = {process.pid: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
    for pid in parents:
        root = pid
        while root and root not in sums:
            root = parents.get(root, 0)
        if root:
            with suppress(psutil.Error):  # the process has just ended
                sums[root] += psutil.Process(pid).memory_info().rss / _MB
    return sums


class _Merged(Collector):
    """The metrics of several texts in Prometheus' format. Families of the same name become one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for text in self._texts:
            for family in text_string_to_metric_families(text):
                if family.name in families:
                    families[family.name].samples += family.samples
                else:
                    families[family.name] = family
        yield from families.values()
