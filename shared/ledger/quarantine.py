"""Rows in quarantine as people are shown them: by reason, with masked values."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from shared.core.redaction import Masked
from shared.core.states import Stage
from shared.messages.data import Reason
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "quarantine.sql")
AT_ONCE = 2


class Grouping(StrEnum):
    """By what rows are counted."""

    REASON = "reason"
    MAPPING = "mapping"
    COLUMN = "column"


class Resolution(StrEnum):
    """What became of a row: a later run wrote it or left it out, somebody gave it up, or it was refused once more.

    What is `replaced` waits as a row of that later run, and comes to the same as that.
    """

    WAITING = ""
    REPLAYED = "replayed"
    FILTERED = "filtered"
    DISCARDED = "discarded"
    REPLACED = "replaced"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one kind. By reason all names are given, by mapping and by column those it is grouped by.

    A row with two reasons counts in both groups. `waits_for` is the mapping of a missing parent.
    """

    mapping: str
    column: str = ""
    code: str = ""
    stage: Stage | None = None
    waits_for: str = ""
    row_count: int
    waiting: int


class RowFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None is all. `code` and `column` are of one and the same reason."""

    resolution: Resolution | None = None
    mapping: str | None = None
    code: str | None = None
    column: str | None = None


class MaskedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `columns`: kind and length of each value, of columns that the plan declares clear the text itself."""

    id: UUID
    mapping: str
    stage: Stage
    reasons: tuple[Reason, ...]
    columns: dict[str, Masked | str | None]
    waits_for: str
    resolution: Resolution
    resolved_at: datetime | None
    created_at: datetime


class SealedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of a row, under its run's key, itself wrapped; `wrapped_key` is None where it is gone."""

    mapping: str
    sealed_key: bytes
    sealed_row: bytes
    wrapped_key: bytes | None
    target_key: UUID | None
    resolution: Resolution


class Quarantine:
    """The quarantine of runs, without what is sealed. Raises WorldError where the ledger does not answer.

    Counting takes longer the more rows were refused, up to seconds: it is done for two at a time, so that the
    connections are not all taken by people who look at one large run.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def counts(self, run: UUID) -> tuple[int, int]:
        """Rows of a run that are in quarantine, and those of them that still wait for a decision."""
        async with self._turns, self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["counts"], run)
        return row["row_count"], row["waiting"]

    async def groups(self, run: UUID, by: Grouping, wanted: RowFilter | None = None) -> tuple[Group, ...]:
        """Rows of a run counted, most first. The filter's `code` narrows nothing: it is chosen among the groups."""
        asked = RowFilter() if wanted is None else wanted
        async with self._turns, self._pool.acquire() as connection:
            rows = await connection.fetch(SQL[f"by_{by.value}"], run, asked.resolution, asked.mapping, asked.column)
        return tuple(msgspec.convert(dict(row), Group) for row in rows)

    async def rows(
        self, run: UUID, wanted: RowFilter, *, after: UUID | None = None, limit: int = 50
    ) -> tuple[MaskedRow, ...]:
        """Rows in the order of their batches; `after` is the last row of the page before."""
        async with self._turns, self._pool.acquire() as connection:
            found = await connection.fetch(
                SQL["rows"], run, wanted.resolution, wanted.mapping, wanted.code, wanted.column, after, limit
            )
        return tuple(map(_masked, found))

    async def has(self, run: UUID, row: UUID) -> bool:
        """Whether the run has that row in quarantine."""
        async with self._pool.acquire() as connection:
            return bool(await connection.fetchval(SQL["has_row"], run, row))


async def read_sealed(connection: asyncpg.Connection, run: UUID, row: UUID) -> SealedRow | None:
    """What is sealed of a row, None where the run has no such row. For the loader, the only one who may read it."""
    found = await connection.fetchrow(SQL["sealed_row"], run, row)
    if found is None:
        return None
    return SealedRow(
        mapping=found["mapping"],
        sealed_key=found["sealed_key"],
        sealed_row=found["sealed_row"],
        wrapped_key=found["wrapped"],
        target_key=found["target_key"],
        resolution=Resolution(found["resolution"]),
    )


def _masked(row: asyncpg.Record) -> MaskedRow:
    return MaskedRow(
        id=row["id"],
        mapping=row["mapping"],
        stage=Stage(row["stage"]),
        reasons=msgspec.json.decode(row["reasons"], type=tuple[Reason, ...]),
        columns=msgspec.json.decode(row["masked"], type=dict[str, Masked | str | None]),
        waits_for=row["waits_for"],
        resolution=Resolution(row["resolution"]),
        resolved_at=row["resolved_at"],
        created_at=row["created_at"],
    )
