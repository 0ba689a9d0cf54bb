"""The history of a run, entry by entry."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.core.errors import Refused
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "events.sql")


class EventLevel(StrEnum):
    """How much an event asks for somebody: a failure, something to look at, or nothing."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LevelledEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; `detail` holds names, counts and codes.

    `kind` is `state` (the run entered `state`, with a `reason`), `asked` (`actor` asked for `verb`), `mapping` (one is
    complete or failed, with its rows by outcome), `limit` (a mapping paused with too many rows in quarantine).
    """

    seq: int
    at: datetime
    level: EventLevel
    kind: str
    detail: dict[str, str | int | None]


class RunEvents:
    """Reads the history of runs. Raises Refused `unknown_run`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(
        self, run: UUID, *, after: int = 0, level: EventLevel | None = None, limit: int = 200
    ) -> tuple[LevelledEvent, ...]:
        """Oldest first, from the entry that follows number `after`, of one level or of all."""
        async with self._pool.acquire() as connection:
            if not await connection.fetchval(SQL["run_exists"], run):
                raise Refused(
                    f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run"
                )
            rows = await connection.fetch(SQL["events"], run, after, level, limit)
        return tuple(
            msgspec.convert({**row, "detail": msgspec.json.decode(row["detail"])}, LevelledEvent) for row in rows
        )
