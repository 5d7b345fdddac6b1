"""Group concurrent single inputs into batches; keep one bad input from failing its neighbours."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, Self, TypeVar

from .errors import Overloaded
from .feature import Batching

In = TypeVar("In")
Out = TypeVar("Out")


class Result(NamedTuple, Generic[In, Out]):
    """One input, its output and what it took: seconds of each step, and how many shared the batch."""

    item: In
    output: Out
    prepare_s: float
    queue_s: float
    predict_s: float
    batch_size: int


class _Waiting(NamedTuple, Generic[In, Out]):
    item: In
    arrived: float
    prepared: float
    future: "asyncio.Future[Result[In, Out]]"


class Batcher(Generic[In, Out]):
    """`await batcher.submit(prepare)` for one input; `predict` runs in one thread, so never concurrently.

    A batch is whatever has queued while the last one ran. It is held back, for at most `max_delay_ms`, only
    while it is not full and further inputs are known to be on their way, so a lone caller never waits.
    """

    def __init__(self, predict: Callable[[Sequence[In]], Sequence[Out]], config: Batching) -> None:
        self._predict = predict
        self._config = config
        self._queue: deque[_Waiting[In, Out]] = deque()
        self._preparing = 0
        self._changed = asyncio.Event()
        self._busy_since: float | None = None
        self._item_s = 0.0  # seconds an input takes of late
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def running(self) -> bool:
        """False once the collecting task has ended, which only shutdown or a bug here can cause."""
        return not self._task.done()

    @property
    def busy_s(self) -> float:
        """How long the present call of `predict` has been running; 0 when idle."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    @property
    def queue_length(self) -> int:
        """Inputs waiting or being prepared."""
        return len(self._queue) + self._preparing

    @property
    def capacity(self) -> int:
        """How many inputs may wait, by their number and by the time they would wait."""
        if not self._item_s:
            return self._config.max_queue
        in_time = int(self._config.max_wait_s / self._item_s)
        return min(self._config.max_queue, max(self._config.max_size, in_time))

    async def submit(self, prepare: Callable[[], Awaitable[In]]) -> Result[In, Out]:
        """The output for the one input that `prepare` makes. Raises `Overloaded` when the queue is full."""
        if self.queue_length >= (capacity := self.capacity):
            raise Overloaded(f"queue: full, at most {capacity} requests may wait")
        arrived = time.monotonic()
        self._preparing += 1
        try:
            item = await prepare()
        finally:
            self._preparing -= 1
            self._changed.set()
        future: asyncio.Future[Result[In, Out]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(item, arrived, time.monotonic(), future))
        try:
            return await future
        finally:
            if future.cancelled():  # the caller hung up or ran out of time: its place is free at once
                self._queue = deque(waiting for waiting in self._queue if waiting.future is not future)

    async def _run(self) -> None:
        while True:
            batch = await self._collect()
            start = time.monotonic()
            self._busy_since = start
            results = await self._attempt([waiting.item for waiting in batch])
            self._busy_since = None
            took = time.monotonic() - start
            pace = took / len(batch)
            self._item_s = 0.8 * self._item_s + 0.2 * pace if self._item_s else pace
            for (item, arrived, prepared, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(
                        Result(item, result, prepared - arrived, start - prepared, took, len(batch))
                    )

    async def _collect(self) -> list[_Waiting[In, Out]]:
        """Returns at least one input, and those that follow it within the delay."""
        while True:
            while not self._queue:
                await self._wait_for_change(None)
            await self._wait_for_more()
            if self._queue:  # it is empty when every caller has hung up in the meantime
                size = min(len(self._queue), self._config.max_size)
                return [self._queue.popleft() for _ in range(size)]

    async def _wait_for_more(self) -> None:
        """Waits at most the delay, while the batch is not full and further inputs are being prepared."""
        until = time.monotonic() + self._config.max_delay_ms / 1000
        while self._queue and self._preparing and len(self._queue) < self._config.max_size:
            left = until - time.monotonic()
            if left <= 0 or not await self._wait_for_change(left):
                return

    async def _wait_for_change(self, timeout_s: float | None) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def _attempt(self, items: list[In]) -> list[Out | BaseException]:
        """Outputs in order; a failing batch is retried one by one, so only the culprit fails."""
        try:
            outputs = await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, items)
            if len(outputs) != len(items):
                raise RuntimeError(f"predict returned {len(outputs)} outputs for {len(items)} inputs")
            return list(outputs)
        except Exception as error:  # noqa: BLE001  (whatever the model raised belongs to its caller)
            if len(items) == 1:
                return [error]
            return [result for item in items for result in await self._attempt([item])]
