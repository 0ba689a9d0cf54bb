"""How fast a run moved from its start until now, in steps of equal length."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shared.core.errors import Refused
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "throughput.sql")
MOST_STEPS = 240
SHORTEST_SECONDS = 5


class ThroughputStep(msgspec.Struct, frozen=True, kw_only=True):
    """Rows settled, and among them quarantined, in the step that begins at `at`."""

    at: datetime
    row_count: int
    quarantined: int


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """The steps from the first to the last moment; those without a settled batch are there, with 0.

    The last step may be shorter than `step_seconds`.
    """

    started_at: datetime | None
    until: datetime
    step_seconds: int
    steps: tuple[ThroughputStep, ...]


class Throughputs:
    """Reads the throughput of runs. Raises Refused `unknown_run`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, run: UUID) -> Throughput:
        """One run, in at most MOST_STEPS steps."""
        async with self._pool.acquire() as connection:
            found = await connection.fetchrow(SQL["span"], run)
            if found is None:
                raise Refused(
                    f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run"
                )
            started, until = found["started_at"], found["until"]
            if started is None:
                return Throughput(started_at=None, until=until, step_seconds=SHORTEST_SECONDS, steps=())
            seconds = step_seconds((until - started).total_seconds())
            rows = await connection.fetch(SQL["steps"], run, started, seconds)
        settled = {row["step"]: (row["row_count"], row["quarantined"]) for row in rows}
        count = max(math.ceil((until - started).total_seconds() / seconds), 1)
        return Throughput(
            started_at=started,
            until=until,
            step_seconds=seconds,
            steps=tuple(
                ThroughputStep(at=started + timedelta(seconds=step * seconds), row_count=rows, quarantined=refused)
                for step in range(count)
                for rows, refused in (settled.get(step, (0, 0)),)
            ),
        )


def step_seconds(seconds: float) -> int:
    """Whole seconds of a step, so that MOST_STEPS of them cover the time."""
    return max(math.ceil(seconds / MOST_STEPS), SHORTEST_SECONDS)
