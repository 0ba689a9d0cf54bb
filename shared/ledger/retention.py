"""Retention: bulk details of older runs go, what they came to stays. Which runs and rows, the ledger decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from uuid import UUID, uuid4

import asyncpg
import msgspec

from shared.core.states import RunState
from shared.postgres.errors import DRIVER_ERRORS, translate
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "retention.sql")
MOST_ROWS = 1000
"""Rows of each sort that one transaction removes: other transactions wait no longer than that takes."""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Bulk details by sort, as rows of the ledger."""

    batches: int = 0
    manifests: int = 0
    quarantine_rows: int = 0
    bodies: int = 0
    events: int = 0
    run_keys: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(msgspec.structs.astuple(self))

    def __add__(self, other: Details) -> Details:
        return Details(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class RunDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What goes of one run."""

    migration: str
    migration_id: UUID
    run: UUID
    details: Details


class Retention:
    """Passes over all migrations. Raises WorldError, and RunError where the ledger refuses; nothing is lost by either.

    Every step is a transaction that sums up what it removes. A pass that was interrupted is taken up by the next one,
    and of two at once one does nothing.
    """

    def __init__(self, pool: Pool, *, most_rows: int = MOST_ROWS) -> None:
        self._pool = pool
        self._most_rows = most_rows

    async def outlook(self) -> tuple[RunDetails, ...]:
        """What a pass would remove now, by migration and age; runs that keep everything are left out."""
        async with self._pool.acquire() as connection:
            return await _outlook(connection)

    async def clean(self, *, actor: str, transfuse_version: str) -> tuple[RunDetails, ...]:
        """One pass: a run of kind `cleanup` for each migration that has something to remove. Gives what was removed."""
        try:
            return await self._pass(actor, transfuse_version)
        except DRIVER_ERRORS as error:
            raise translate(error, "ledger", "removing the details of older runs") from error

    async def _pass(self, actor: str, transfuse_version: str) -> tuple[RunDetails, ...]:
        removed: list[RunDetails] = []
        async with self._pool.acquire() as connection, _alone(connection) as alone:
            going = await _outlook(connection) if alone else ()
            for migration, runs in groupby(going, key=lambda item: item.migration_id):
                items = list(runs)
                cleanup = await _begin(connection, migration, items[0].run, actor, transfuse_version)
                if cleanup is not None:
                    done = [await self._remove(connection, cleanup, item) for item in items]
                    await _end(connection, cleanup, done)
                    removed += done
            for row in await connection.fetch(SQL["interrupted_passes"]) if alone else ():
                await _end(connection, row["id"], [])
        return tuple(removed)

    async def _remove(self, connection: asyncpg.Connection, cleanup: UUID, item: RunDetails) -> RunDetails:
        removed = Details()
        while True:
            step = msgspec.convert(
                dict(await connection.fetchrow(SQL["remove"], cleanup, item.run, self._most_rows)), Details
            )
            if not step.total:
                return msgspec.structs.replace(item, details=removed)
            removed += step


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncIterator[bool]:
    """Whether this session is the only one that cleans; held until the end of the context or of the session."""
    locked = bool(await connection.fetchval(SQL["lock_passes"]))
    try:
        yield locked
    finally:
        if locked and not connection.is_closed():
            await connection.execute(SQL["unlock_passes"])


async def _outlook(connection: asyncpg.Connection) -> tuple[RunDetails, ...]:
    return tuple(
        RunDetails(
            migration=row["migration"],
            migration_id=row["migration_id"],
            run=row["run"],
            details=Details(**{name: row[name] for name in Details.__struct_fields__}),
        )
        for row in await connection.fetch(SQL["outlook"])
    )


async def _begin(
    connection: asyncpg.Connection, migration: UUID, oldest: UUID, actor: str, transfuse_version: str
) -> UUID | None:
    """The migration's pass: one that was interrupted, else a new one; None where a person stopped it."""
    async with connection.transaction():
        active = await connection.fetchrow(SQL["active_pass"], migration)
        if active is not None and active["state"] in {RunState.PAUSED, RunState.CANCELLING}:
            return None
        cleanup: UUID = uuid4() if active is None else active["id"]
        if active is None:
            await connection.execute(SQL["insert_pass"], cleanup, migration, oldest, actor, transfuse_version)
        await connection.execute(SQL["begin_pass"], cleanup)
    return cleanup


async def _end(connection: asyncpg.Connection, cleanup: UUID, removed: list[RunDetails]) -> None:
    details = [item.details for item in removed if item.details.total]
    counts = {"runs": len(details), **msgspec.structs.asdict(sum(details, Details()))}
    async with connection.transaction():
        await connection.execute(SQL["note"], cleanup, msgspec.json.encode(counts).decode())
        await connection.execute(SQL["end_pass"], cleanup)
