"""What runs came to: rows by outcome and warnings, for lists of runs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.counts import Counts
from shared.core.states import FINAL, Brought
from shared.ledger.runs import Run
from shared.ledger.snapshots import WarningCount
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "outcomes.sql")
RUNS_KNOWN = 2048


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Settled rows of first passes by outcome, and what was warned about, as the run's status has them."""

    counts: Counts = Counts()
    warnings: tuple[WarningCount, ...] = ()


class Outcomes:
    """Reads outcomes. Raises DatabaseUnreachable.

    Summing up batches takes longer the more a run has, so what an ended run came to is kept: it stays, until the run is
    resumed and ends at another time.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[tuple[UUID, datetime | None], RunOutcome] = OrderedDict()

    async def of(self, runs: Iterable[Run]) -> dict[UUID, RunOutcome]:
        """The outcome of each run, by its id."""
        asked = list(runs)
        found = {run.id: known for run in asked if (known := self._known.get(_key(run))) is not None}
        if wanted := [run for run in asked if run.id not in found]:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                found |= await _read(connection, [run.id for run in wanted])
            self._keep({_key(run): found[run.id] for run in wanted if run.state in FINAL})
        return found

    def _keep(self, ended: dict[tuple[UUID, datetime | None], RunOutcome]) -> None:
        self._known.update(ended)
        while len(self._known) > RUNS_KNOWN:
            self._known.popitem(last=False)


def _key(run: Run) -> tuple[UUID, datetime | None]:
    """A run as it ended; one that goes on is never known by it."""
    return run.id, run.finished_at


async def _read(connection: asyncpg.Connection, runs: Sequence[UUID]) -> dict[UUID, RunOutcome]:
    counts = {row["run_id"]: _counts(row) for row in await connection.fetch(SQL["counts"], runs)}
    warnings: dict[UUID, list[WarningCount]] = {}
    for row in await connection.fetch(SQL["warnings"], runs, list(Brought)):
        warnings.setdefault(row["run_id"], []).append(
            WarningCount(mapping=row["mapping"], code=row["code"], column=row["column"], row_count=row["row_count"])
        )
    return {run: RunOutcome(counts=counts.get(run, Counts()), warnings=tuple(warnings.get(run, ()))) for run in runs}


def _counts(row: asyncpg.Record) -> Counts:
    return Counts(**{name: row[name] for name in Counts.__struct_fields__})
