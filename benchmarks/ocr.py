"""Compares general_ocr with RapidOCR on this machine, in one interleaved run: `make bench`.

It measures the throughput with 8 requests and with 1 request at a time, the overhead of HTTP and batching,
the start-up, the memory, and the character error between the two readers. Prints Markdown. Only the ratios
can be compared with other runs.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from aikit.client import Container, container

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "images" / "ocr"
ENGINES = ("onnxruntime", "openvino")


class Load(NamedTuple):
    """One pass over the pictures. model_s: seconds of decode, predict and encode over all requests."""

    seconds: float
    model_s: float
    texts: list[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=2, help="passes over the pictures in each round")
    parser.add_argument("images", nargs="*", type=Path)
    args = parser.parse_args()
    files = args.images or sorted(REAL.glob("*.jpg")) or sorted(ROOT.glob("containers/*ocr*/example.jpg"))
    sys.stdout.write(report(files, args.rounds, args.passes))


def report(files: Sequence[Path], rounds: int, passes: int) -> str:
    """Returns the table. Each round measures every reader once."""
    pictures = [file.read_bytes() for file in files]
    count = passes * len(pictures)
    rapid: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    many, one, overhead = [], [], []
    texts: dict[str, list[list[str]]] = {}
    cold_s, start_s = _start_up()
    with container("general_ocr") as running:
        load(running, pictures, 8)  # warm-up
        for _ in range(rounds):
            for engine in ENGINES:
                seconds, texts[engine] = _rapid(engine, passes, files)
                rapid[engine].append(count / seconds)
            many.append(count / load(running, pictures * passes, 8).seconds)
            alone = load(running, pictures * passes, 1)
            one.append(count / alone.seconds)
            overhead.append(alone.seconds / alone.model_s - 1)
        texts["ours"] = load(running, pictures, 1).texts
        memory = memory_mb(running.process.pid)
    rows = [(f"RapidOCR, {engine}", rates) for engine, rates in rapid.items()]
    rows += [("container, 8 at a time", many), ("container, 1 at a time", one)]
    lines = [
        f"{len(files)} pictures, {rounds} interleaved rounds of {passes} passes; medians.",
        "",
        "| | images/s | relative to RapidOCR openvino | relative to RapidOCR onnxruntime |",
        "|---|---|---|---|",
        *(_row(name, rates, rapid) for name, rates in rows),
        "",
        f"HTTP and batching, 1 at a time: {statistics.median(overhead):.1%} of the model's own time.",
        f"Ready after {start_s:.1f} s; after {cold_s:.1f} s when the networks had to be compiled first.",
        f"Resident memory after the load: {memory:.0f} MB, both processes.",
        f"Character error against RapidOCR: {character_error(texts['ours'], texts['openvino']):.2%}.",
        "",
    ]
    return "\n".join(lines)


def load(running: Container, pictures: Sequence[bytes], concurrency: int) -> Load:
    """Posts every picture once, `concurrency` at a time; each caller keeps its own connection open."""
    replies: list[tuple[list[str], float]] = [([], 0.0)] * len(pictures)
    todo = iter(range(len(pictures)))
    host = running.url.removeprefix("http://")

    def caller() -> None:
        with closing(HTTPConnection(host)) as connection:
            for index in todo:
                replies[index] = _post(connection, pictures[index])

    start = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as callers:
        for done in [callers.submit(caller) for _ in range(concurrency)]:
            done.result()
    seconds = time.perf_counter() - start
    return Load(seconds, sum(model_s for _, model_s in replies), [texts for texts, _ in replies])


def character_error(ours: Iterable[Sequence[str]], theirs: Iterable[Sequence[str]]) -> float:
    """Returns the edits that turn one reader's lines into the other's, per character of the other's."""
    pairs = [("\n".join(a), "\n".join(b)) for a, b in zip(ours, theirs, strict=True)]
    return sum(_edits(a, b) for a, b in pairs) / max(1, sum(len(b) for _, b in pairs))


def memory_mb(pid: int) -> float:
    """Returns the memory of a process and its children; pages that they share count once (PSS)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    rollups = (Path(f"/proc/{process}/smaps_rollup").read_text() for process in (pid, *children))
    return sum(int(re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)[0]) for text in rollups) / 1024


def _post(connection: HTTPConnection, picture: bytes) -> tuple[list[str], float]:
    """Returns the lines, and the seconds that decode, predict and encode took."""
    connection.request("POST", "/invocations", picture, {"Content-Type": "image/jpeg"})
    response = connection.getresponse()
    lines: list[dict[str, Any]] = json.loads(response.read())
    stages = dict(re.findall(r"(\w+);dur=([\d.]+)", response.headers["Server-Timing"]))
    model_ms = sum(float(stages[name]) for name in ("decode", "predict", "encode"))
    return [line["words"] for line in lines], model_ms / 1000


def _rapid(engine: str, passes: int, files: Sequence[Path]) -> tuple[float, list[list[str]]]:
    command = [sys.executable, "-m", "benchmarks.rapid", engine, str(passes), *map(str, files)]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return sum(done["seconds"]), done["texts"]


def _start_up() -> tuple[float, float]:
    """Returns the seconds until /ping reports ready, with an empty cache and then with the filled one."""
    with tempfile.TemporaryDirectory() as cache:
        times = []
        for _ in range(2):
            start = time.perf_counter()
            with container("general_ocr", environ={"AIKIT_CACHE_DIR": cache}):
                times.append(time.perf_counter() - start)
        return times[0], times[1]


def _edits(a: str, b: str) -> int:
    """Returns the Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def _row(name: str, rates: Sequence[float], rapid: dict[str, list[float]]) -> str:
    """Formats one reader's rates. Ratios are computed within each round."""
    ratios = (
        statistics.median(ours / theirs for ours, theirs in zip(rates, rapid[engine], strict=True))
        for engine in ("openvino", "onnxruntime")
    )
    return (
        " | ".join([f"| {name}", f"{statistics.median(rates):.2f}", *(f"{ratio:.2f}" for ratio in ratios)])
        + " |"
    )


if __name__ == "__main__":
    main()
