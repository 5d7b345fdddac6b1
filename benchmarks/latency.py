"""Measures every feature's container with its own example: `make bench BENCH=latency [ARGS="FEATURE …"]`.

Prints Markdown: the seconds until the container is ready, the median time of one request at a time, the
requests a second with eight at a time, and the memory of its processes. Features are left out when their
weights are not on this machine.
"""

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

from aikit.client import Container, container
from serving.feature import Feature, discover, find
from serving.settings import Settings
from serving.weights import Store, WeightsError

SPAN_S = 8.0  # duration of each measurement
TOGETHER = 8  # concurrent requests


def main() -> None:
    features = [find(name) for name in sys.argv[1:]] or list(discover().values())
    print_row("feature", "ready, s", "one at a time, ms", f"{TOGETHER} at a time, per s", "memory, MB")
    print_row(*["---"] * 5)
    for feature in features:
        try:
            settings = Settings.read()
            Store.of(settings).resolve(feature, settings.profile or feature.default_profile, download=False)
        except WeightsError as error:
            sys.stderr.write(f"left out: {error}\n")
            continue
        print_row(*measured(feature))


def measured(feature: Feature) -> Iterator[str]:
    body = msgspec.json.encode(feature.example["request"])
    start = time.perf_counter()
    with container(feature.name) as running:
        ready = time.perf_counter() - start
        ask(running, body, time.perf_counter() + 1)
        alone = ask(running, body, time.perf_counter() + SPAN_S)
        rate = together(running, body)
        yield feature.name
        yield f"{ready:.1f}"
        yield f"{1000 * statistics.median(alone):.0f}"
        yield f"{rate:.1f}"
        yield f"{memory_mb(running.process.pid):.0f}"


def ask(running: Container, body: bytes, until: float) -> list[float]:
    """Sends requests one after the other until a time, at least one, and returns the seconds of each."""
    seconds: list[float] = []
    with httpx.Client(base_url=running.url, timeout=120) as client:
        while not seconds or time.perf_counter() < until:
            start = time.perf_counter()
            reply = client.post("/invocations", content=body, headers={"Content-Type": "application/json"})
            reply.raise_for_status()
            seconds.append(time.perf_counter() - start)
    return seconds


def together(running: Container, body: bytes) -> float:
    """Returns the requests a second of several callers; each sends the next one when it has its response."""
    start = time.perf_counter()
    counts: list[int] = []

    def caller() -> None:
        counts.append(len(ask(running, body, start + SPAN_S)))

    callers = [threading.Thread(target=caller) for _ in range(TOGETHER)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    return sum(counts) / (time.perf_counter() - start)


def memory_mb(pid: int) -> float:
    """Returns the resident memory of a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1000
    return own + sum(memory_mb(int(child)) for child in children)


def print_row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
