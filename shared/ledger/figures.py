"""Figures over all runs, for metrics."""

from __future__ import annotations

import msgspec

from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "figures.sql")


class LedgerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Runs by how they are, and the batches that are dispatched and not settled: all, and by the stage they are at.

    A batch is at a stage while it waits for it and while the stage works on it; a run likewise, for `planning_runs` and
    `finishing_runs`. `undoing` are batches that read no source: of undo runs, and of removals.
    """

    active_runs: int
    completed_runs: int
    failed_runs: int
    batches_in_flight: int
    planning_runs: int = 0
    finishing_runs: int = 0
    extracting: int = 0
    transforming: int = 0
    loading: int = 0
    undoing: int = 0


class Figures:
    """Reads the figures. Raises DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self) -> LedgerFigures:
        """The figures now."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["figures"])
        return msgspec.convert(dict(row), LedgerFigures)
