"""Properties of the batcher."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.batching import Batcher, Result
from serving.errors import Overloaded
from serving.feature import Batching


def ready(item: int) -> Callable[[], Awaitable[int]]:
    async def prepare() -> int:
        return item

    return prepare


def same(batch: Sequence[int]) -> Sequence[int]:
    return batch


def drop_first(batch: Sequence[int]) -> Sequence[int]:
    return batch[1:]


def invert(batch: Sequence[int]) -> list[float]:
    return [1 / item for item in batch]  # zero is the input that fails


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(1, 8), st.sampled_from([0.0, 1.0]))
@settings(max_examples=60)
def test_each_caller_gets_its_own_answer(items: list[int], max_size: int, max_delay_ms: float) -> None:
    async def run() -> list[Result[int, float] | BaseException]:
        async with Batcher(invert, Batching(max_size=max_size, max_delay_ms=max_delay_ms)) as batcher:
            return await asyncio.gather(
                *(batcher.submit(ready(item)) for item in items), return_exceptions=True
            )

    for item, result in zip(items, asyncio.run(run()), strict=True):
        if item == 0:
            assert isinstance(result, ZeroDivisionError)
        else:
            assert isinstance(result, Result)
            assert (result.item, result.output) == (item, 1 / item)
            assert 1 <= result.batch_size <= max_size


def test_requests_that_wait_together_share_a_batch() -> None:
    async def run() -> list[Result[int, int]]:
        async with Batcher(same, Batching(max_size=8, max_delay_ms=1000)) as batcher:
            return await asyncio.gather(*(batcher.submit(ready(item)) for item in range(8)))

    assert {result.batch_size for result in asyncio.run(run())} == {8}


def test_a_single_request_does_not_wait_for_others() -> None:
    async def run() -> Result[int, int]:
        async with Batcher(same, Batching(max_size=8, max_delay_ms=60_000)) as batcher:
            async with asyncio.timeout(10):
                return await batcher.submit(ready(1))

    assert asyncio.run(run()).queue_s < 1


def test_a_slow_preparation_delays_the_others_for_at_most_the_delay() -> None:
    async def run() -> tuple[Result[int, int], bool]:
        never = asyncio.Event()

        async def stuck() -> int:
            await never.wait()
            return 0

        async with Batcher(same, Batching(max_size=8, max_delay_ms=50)) as batcher:
            waiting = asyncio.create_task(batcher.submit(stuck))
            while batcher.queue_length == 0:
                await asyncio.sleep(0)
            result = await batcher.submit(ready(1))
            still_preparing = not waiting.done()
            waiting.cancel()
            return result, still_preparing

    result, still_preparing = asyncio.run(run())
    assert still_preparing
    assert result.queue_s >= 0.04


def test_a_full_queue_is_refused_at_once() -> None:
    async def run() -> list[Result[int, int] | BaseException]:
        async with Batcher(same, Batching(max_queue=1)) as batcher:
            return await asyncio.gather(
                *(batcher.submit(ready(item)) for item in range(5)), return_exceptions=True
            )

    first, *others = asyncio.run(run())
    assert isinstance(first, Result)
    assert all(isinstance(other, Overloaded) for other in others)


def test_a_slow_model_lowers_the_capacity() -> None:
    def slow(batch: Sequence[int]) -> Sequence[int]:
        threading.Event().wait(0.05)
        return batch

    async def run() -> tuple[int, int]:
        async with Batcher(slow, Batching(max_size=2, max_queue=64, max_wait_s=0.5)) as batcher:
            before = batcher.capacity
            await batcher.submit(ready(1))
            return before, batcher.capacity

    before, after = asyncio.run(run())
    assert before == 64
    assert 2 <= after <= 10


def test_a_caller_that_hangs_up_causes_no_prediction_and_frees_its_place() -> None:
    seen: list[int] = []
    release = threading.Event()

    def predict(batch: Sequence[int]) -> Sequence[int]:
        seen.extend(batch)
        release.wait(10)
        return batch

    async def run() -> int:
        async with Batcher(predict, Batching(max_size=1, max_queue=2)) as batcher:
            running = asyncio.create_task(batcher.submit(ready(1)))
            while batcher.busy_s == 0:
                await asyncio.sleep(0)
            gone = asyncio.create_task(batcher.submit(ready(2)))
            while batcher.queue_length == 0:
                await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])
            left = batcher.queue_length
            release.set()
            await running
            await batcher.submit(ready(3))
            return left

    assert asyncio.run(run()) == 0
    assert seen == [1, 3]


def test_a_model_that_loses_an_output_fails_its_callers_but_not_the_batcher() -> None:
    async def run() -> list[BaseException | Result[int, int]]:
        async with Batcher(drop_first, Batching(max_size=2)) as batcher:
            results = await asyncio.gather(
                *(batcher.submit(ready(n)) for n in range(2)), return_exceptions=True
            )
            assert batcher.running
            return results

    for result in asyncio.run(run()):
        with pytest.raises(RuntimeError, match="0 outputs for 1 inputs"):
            raise result if isinstance(result, BaseException) else AssertionError(result)
