"""The limits of the keys in a usage plan; the tests set the time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.api_gateway.refusal import Refused
from deploy.local.api_gateway.usage import Plan, Usage


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 1_785_500_000.0  # Friday 2026-07-31, 12:13 UTC

    def __call__(self) -> float:
        return self.seconds


def allowed(usage: Usage, key: str) -> bool:
    try:
        usage.take(key)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(("period", "days"), [("DAY", 1), ("WEEK", 3), ("MONTH", 1)])
def test_a_quota_is_renewed_in_the_next_calendar_period(tmp_path: Path, period: Any, days: int) -> None:
    clock = Clock()
    usage = Usage(tmp_path / "usage.sqlite", clock)
    usage.put("plan", Plan(rate=100, burst=100, quota=1, period=period))
    key = usage.add_key("plan")
    assert (allowed(usage, key), allowed(usage, key)) == (True, False)
    clock.seconds += (days - 1) * 86_400
    assert not allowed(usage, key)
    clock.seconds += 86_400
    assert allowed(usage, key)


@given(st.lists(st.floats(0, 3), max_size=12), st.integers(1, 4), st.floats(0.1, 3))
@settings(max_examples=15, deadline=None)
def test_at_most_the_burst_and_the_rate_times_the_time_are_allowed(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float], burst: int, rate: float
) -> None:
    clock = Clock()
    usage = Usage(tmp_path_factory.mktemp("usage") / "usage.sqlite", clock)
    usage.put("plan", Plan(rate=rate, burst=burst, quota=1000))
    key = usage.add_key("plan")
    count = 0
    for pause in pauses:
        clock.seconds += pause
        count += allowed(usage, key)
    assert min(len(pauses), burst) <= count <= burst + rate * sum(pauses) + 1e-3


def test_threads_share_the_counts_of_a_plan(tmp_path: Path) -> None:
    usage = Usage(tmp_path / "usage.sqlite", Clock())
    usage.put("plan", Plan(rate=1, burst=5, quota=100))
    key = usage.add_key("plan")
    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(lambda _: allowed(usage, key), range(24))) == 5
