"""The runs of one migration, youngest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from shared.core.states import RunKind
from shared.ledger.register import unknown_migration
from shared.ledger.runs import Run, read_runs
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "history.sql")


class RunPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list goes on: behind the run `id`, made at `at`."""

    at: datetime
    id: UUID


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list; `following` is None at its end."""

    runs: tuple[Run, ...]
    following: RunPlace | None


class History:
    """Reads what a migration went through. Raises Refused `unknown_migration`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, migration: UUID, *, after: RunPlace | None = None, kinds: Iterable[RunKind] | None = None, limit: int = 50
    ) -> RunPage:
        """Runs of every kind, or of some, from the youngest or from behind `after`."""
        wanted = None if kinds is None else [kind.value for kind in kinds]
        place = (None, None) if after is None else (after.at, after.id)
        async with self._pool.acquire() as connection:
            if not await connection.fetchval(SQL["migration_exists"], migration):
                raise unknown_migration()
            rows = await connection.fetch(SQL["page"], migration, *place, wanted, limit + 1)
            shown = rows[:limit]
            found = {run.id: run for run in await read_runs(connection, [row["id"] for row in shown])}
        last = shown[-1] if len(rows) > limit else None
        return RunPage(
            runs=tuple(found[row["id"]] for row in shown),
            following=None if last is None else RunPlace(at=last["created_at"], id=last["id"]),
        )
