"""Which run each migration is at, for those who follow migrations rather than runs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "current_runs.sql")


class CurrentRuns:
    """Reads them, all with one question. Raises DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, migrations: Sequence[UUID]) -> dict[UUID, UUID | None]:
        """The run that each is judged by, its active one or else its youngest; None where it never ran.

        A migration that is not there, or not any more, is left out.
        """
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(SQL["current_runs"], list(migrations))
        return {row["id"]: row["last_run"] for row in rows}
