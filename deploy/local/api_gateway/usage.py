"""API keys and their usage plans, in SQLite, so that the counts survive a restart of the stack."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from .refusal import Refused

_TABLES = """
create table if not exists plan (
    name text primary key,
    rate real not null check (rate > 0),
    burst integer not null check (burst > 0),
    quota integer not null check (quota >= 0),
    period text not null check (period in ('DAY', 'WEEK', 'MONTH'))
);
create table if not exists key (
    value text primary key,
    plan text not null references plan,
    tokens real not null,
    filled_at real not null,
    used integer not null,
    period_start text not null
);
"""
_STATE = """
select rate, burst, quota, period, tokens, filled_at, used, period_start
from key join plan on plan.name = key.plan where value = ?
"""


class Plan(NamedTuple):
    """The limits of each key in a plan.

    rate: requests per second. burst: requests at once. quota: requests per calendar period, in UTC.
    """

    rate: float
    burst: int
    quota: int
    period: Literal["DAY", "WEEK", "MONTH"] = "MONTH"


class Usage:
    """The request counts of all keys. Threads and processes may share it."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with closing(self._connect()) as db:
            db.executescript(_TABLES)

    def put(self, name: str, plan: Plan) -> None:
        """Adds a plan, or changes it for all its keys."""
        with self._transaction() as db:
            values = "name, rate, burst, quota, period"
            changed = ", ".join(f"{column} = excluded.{column}" for column in Plan._fields)
            db.execute(
                f"insert into plan ({values}) values (?, ?, ?, ?, ?) on conflict do update set {changed}",  # noqa: S608
                (name, *plan),
            )

    def add_key(self, plan: str) -> str:
        """Adds a key to a plan, and returns the key."""
        value = secrets.token_urlsafe(30)
        with self._transaction() as db:
            burst = db.execute("select burst from plan where name = ?", (plan,)).fetchone()[0]
            db.execute("insert into key values (?, ?, ?, ?, 0, '')", (value, plan, burst, self._now()))
        return value

    def keys(self) -> list[str]:
        """Returns all keys, the oldest first."""
        with self._transaction() as db:
            return [value for (value,) in db.execute("select value from key order by rowid")]

    def take(self, key: str) -> None:
        """Counts one request. Raises `Refused` if the key is unknown, or its quota or burst is used up."""
        now = self._now()
        with self._transaction() as db:
            found = db.execute(_STATE, (key,)).fetchone()
            if found is None:
                raise Refused("INVALID_API_KEY")
            rate, burst, quota, period, tokens, filled_at, used, period_start = found
            start = _start(period, now)
            used = used if period_start == start else 0
            if used >= quota:
                raise Refused("QUOTA_EXCEEDED")
            tokens = min(burst, tokens + rate * max(0.0, now - filled_at))
            if tokens < 1:
                raise Refused("THROTTLED")
            db.execute(
                "update key set tokens = ?, filled_at = ?, used = ?, period_start = ? where value = ?",
                (tokens - 1, now, used + 1, start, key),
            )

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, isolation_level=None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Opens a transaction, which locks the database so that no other caller changes it meanwhile."""
        with closing(self._connect()) as db:
            db.execute("begin immediate")
            with db:
                yield db


def _start(period: str, now: float) -> str:
    """Returns the first day of the period that contains `now`. A week begins on Monday."""
    day = datetime.fromtimestamp(now, UTC).date()
    match period:
        case "WEEK":
            day -= timedelta(days=day.weekday())
        case "MONTH":
            day = day.replace(day=1)
    return day.isoformat()
