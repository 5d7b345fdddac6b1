"""Groups concurrent single inputs into batches, such that one bad input does not fail the others."""

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
    """One input and its output, with the seconds of each step and the number of inputs in the batch."""

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
    """Collects inputs into batches. A caller submits one input by `await batcher.submit(prepare)`.

    `predict` runs in one thread, so its calls never overlap. A batch consists of the inputs that arrived
    while the previous batch ran. The batcher delays a batch, for at most `max_delay_ms`, only while the batch
    is not full and more inputs are being prepared. A single caller therefore never waits.
    """

    def __init__(self, predict: Callable[[Sequence[In]], Sequence[Out]], config: Batching) -> None:
        self._predict = predict
        self._config = config
        self._queue: deque[_Waiting[In, Out]] = deque()
        self._preparing = 0
        self._changed = asyncio.Event()
        self._busy_since: float | None = None
        self._item_s = 0.0  # recent seconds per input, a moving average
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
        """False when the collecting task has ended, which only a shutdown or a bug here can cause."""
        return not self._task.done()

    @property
    def busy_s(self) -> float:
        """Seconds since the present call of `predict` began; 0 when none runs."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    @property
    def queue_length(self) -> int:
        """Number of inputs that wait or are being prepared."""
        return len(self._queue) + self._preparing

    @property
    def capacity(self) -> int:
        """Number of inputs that may wait, limited by `max_queue` and by the wait of the last one."""
        if not self._item_s:
            return self._config.max_queue
        in_time = int(self._config.max_wait_s / self._item_s)
        return min(self._config.max_queue, max(self._config.max_size, in_time))

    async def submit(self, prepare: Callable[[], Awaitable[In]]) -> Result[In, Out]:
        """Returns the result for the input from `prepare`. Raises `Overloaded` when the queue is full."""
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
            if future.cancelled():  # the caller hung up or timed out: its place becomes free at once
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
        """Waits for the next batch and returns it, at least one input."""
        while True:
            while not self._queue:
                await self._wait_for_change(None)
            await self._wait_for_more()
            if self._queue:  # it is empty when every caller has hung up during the wait
                size = min(len(self._queue), self._config.max_size)
                return [self._queue.popleft() for _ in range(size)]

    async def _wait_for_more(self) -> None:
        """Waits for at most the delay, while the batch is not full and more inputs are being prepared."""
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
        """Returns an output or an error for each input, in order.

        A batch that fails is repeated one input at a time, so only the inputs that cause errors fail.
        """
        try:
            outputs = await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, items)
            if len(outputs) != len(items):
                raise RuntimeError(f"predict returned {len(outputs)} outputs for {len(items)} inputs")
            return list(outputs)
        except Exception as error:  # noqa: BLE001  (every error of the model is reported to its caller)
            if len(items) == 1:
                return [error]
        results: list[Out | BaseException] = []
        for item in items:
            results += await self._attempt([item])
        return results
