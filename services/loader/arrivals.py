"""Refused rows whose missing parents are in the target by now."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.loader.parents import MISSING_PARENT
from services.loader.runs import LoadRun, LoadRuns
from shared.core.errors import KeyNotListed, RunError, SealBroken
from shared.crypto.aad import row_aad
from shared.ledger.orphans import Orphan, read_orphans
from shared.plan.compiled import LoadProgram
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

SQL = load_sql("services.loader", "arrivals.sql")
AT_ONCE = 2_000
MOST_LOOKED_AT = 100_000
MOST_STARTED = 20_000
"""Rows of one replay; the others follow when it has ended."""
Parent = tuple[str, str, str]
"""Table, column and type, quoted, of what a reference refers to."""


class Arrivals:
    """Looks through rows that wait for parents. Opens them by the keys of the runs that refused them."""

    def __init__(self, runs: LoadRuns) -> None:
        self._runs = runs

    async def found(self, connection: asyncpg.Connection, run: UUID) -> tuple[UUID, ...]:
        """Rows of the run's migration all of whose missing parents are in the target; at most `MOST_STARTED`.

        Rows that cannot be opened any more are passed over: they wait for people.
        """
        ready: list[UUID] = []
        looked_at, after = 0, None
        while looked_at < MOST_LOOKED_AT and len(ready) < MOST_STARTED:
            orphans = await read_orphans(connection, run, after, AT_ONCE)
            if not orphans:
                break
            looked_at, after = looked_at + len(orphans), orphans[-1].id
            ready += await self._ready(connection, orphans)
        return tuple(ready[:MOST_STARTED])

    async def _ready(self, connection: asyncpg.Connection, orphans: Sequence[Orphan]) -> list[UUID]:
        needs: dict[UUID, list[list[tuple[Parent, str]]]] = {}
        by_run: dict[UUID, list[Orphan]] = defaultdict(list)
        for orphan in orphans:
            by_run[orphan.run].append(orphan)
        for run, rows in by_run.items():
            try:
                known = await self._runs.get(connection, run)
                if known is not None:
                    needs |= await asyncio.to_thread(_needs, known, rows)
            except (KeyNotListed, SealBroken, RunError) as error:
                log.warning("rows that wait for parents cannot be opened", run=run, error=error)
        there = await _there(connection, {need for row in needs.values() for one_of in row for need in one_of})
        return [row for row, parents in needs.items() if all(any(need in there for need in one) for one in parents)]


def _needs(run: LoadRun, orphans: Sequence[Orphan]) -> dict[UUID, list[list[tuple[Parent, str]]]]:
    """By row, for each parent that it misses the places where that may be; without rows that lack more than parents."""
    found: dict[UUID, list[list[tuple[Parent, str]]]] = {}
    for orphan in orphans:
        if any(reason.code != MISSING_PARENT for reason in orphan.reasons):
            continue
        row = msgspec.json.decode(run.key.open_(orphan.sealed_row, row_aad(run.run, orphan.id)))
        load = run.mapping(orphan.mapping).load
        found[orphan.id] = [
            [(parent, str(row.get(reason.column))) for parent in _parents(load, reason.column)]
            for reason in orphan.reasons
        ]
    return found


def _parents(load: LoadProgram, column: str) -> list[Parent]:
    types = dict(zip(load.columns, load.column_types, strict=False))
    return [
        (reference.table.sql, str(Identifier(reference.referenced_column)), types.get(column, "uuid"))
        for reference in load.references
        if reference.column == column
    ]


async def _there(connection: asyncpg.Connection, wanted: set[tuple[Parent, str]]) -> set[tuple[Parent, str]]:
    values: dict[Parent, list[str]] = defaultdict(list)
    for parent, value in wanted:
        values[parent].append(value)
    there: set[tuple[Parent, str]] = set()
    for parent, texts in values.items():
        table, column, type_name = parent
        statement = SQL["there"].format(table=table, column=column, type=type_name)
        there |= {(parent, row[0]) for row in await connection.fetch(statement, texts)}
    return there
