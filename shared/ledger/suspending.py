"""Constraints of the target that are off while a run loads: dropped by the ledger's owner, put back one by one."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "suspending.sql")
PATIENCE_SECONDS = 60.0
"""After so long what is left of an ended run is asked for again, then after twice as long, up to 64 times that."""
BUILDING_SECONDS = 24 * 3600.0
"""An index of a large table takes its time."""


class SuspendedKind(StrEnum):
    """What was dropped."""

    INDEX = "index"
    FOREIGN_KEY = "foreign_key"


class SuspendedConstraint(msgspec.Struct, frozen=True, kw_only=True):
    """One that is to be put back; not yet where another run holds its table."""

    target_schema: str
    target_table: str
    kind: SuspendedKind
    name: str
    held: bool

    @property
    def place(self) -> tuple[str, str, str]:
        """What the ledger's functions call it by."""
        return self.target_schema, self.target_table, self.name

    def __str__(self) -> str:
        words = "index" if self.kind is SuspendedKind.INDEX else "foreign key"
        return f"{words} {self.name} of {self.target_schema}.{self.target_table}"


class Suspension(StrEnum):
    """What came of asking for constraints to be switched off."""

    DONE = "done"
    DEFERRED = "deferred"
    NOT_OWNED = "not_owned"
    PARTITIONED = "partitioned"


async def suspend_constraints(connection: asyncpg.Connection, run: UUID) -> Suspension:
    """Switch off what the run wants off, before its first batch; nothing where it is off already or not wanted.

    Deferred where somebody uses a table just now. Within the caller's transaction, of which it undoes its part alone.
    """
    if not await connection.fetchval(SQL["wants"], run):
        return Suspension.DONE
    try:
        async with connection.transaction():
            await connection.execute(SQL["suspend"], run)
    except asyncpg.LockNotAvailableError:
        return Suspension.DEFERRED
    except asyncpg.InsufficientPrivilegeError:
        return Suspension.NOT_OWNED
    except asyncpg.FeatureNotSupportedError:
        return Suspension.PARTITIONED
    return Suspension.DONE


async def ended_runs(connection: asyncpg.Connection, patience_seconds: float = PATIENCE_SECONDS) -> list[UUID]:
    """Runs that have ended and left constraints off: those whose turn it is to be asked for."""
    rows = await connection.fetch(SQL["ended"], patience_seconds)
    return sorted({row["run"] for row in rows})


async def holds(connection: asyncpg.Connection, run: UUID) -> bool:
    """Whether the run switched constraints off that are not all back."""
    return bool(await connection.fetchval(SQL["holds"], run))


async def is_over(connection: asyncpg.Connection, run: UUID) -> bool:
    """Whether the run has ended, whatever way."""
    return bool(await connection.fetchval(SQL["is_over"], run))


async def release_constraints(connection: asyncpg.Connection, run: UUID) -> tuple[str, ...]:
    """The run needs nothing off any more. Gives the tables that have lost their row security meanwhile."""
    return tuple(await connection.fetchval(SQL["release"], run))


async def to_restore(connection: asyncpg.Connection, run: UUID) -> list[SuspendedConstraint]:
    """What of the run's tables is to be put back: foreign keys last."""
    rows = await connection.fetch(SQL["to_restore"], run)
    return [msgspec.convert(dict(row), SuspendedConstraint) for row in rows]


async def restore_index(connection: asyncpg.Connection, one: SuspendedConstraint) -> bool:
    """Build an index again; False where another has its name. Repeatable, as are all of these."""
    return bool(await _patiently(connection, "restore_index", one))


async def restore_foreign_key(connection: asyncpg.Connection, one: SuspendedConstraint) -> bool:
    """Hold new rows to a foreign key again; False where another has its name."""
    return bool(await _patiently(connection, "restore_foreign_key", one))


async def validate_foreign_key(connection: asyncpg.Connection, one: SuspendedConstraint) -> bool:
    """Hold all rows to it; False where some have no parent."""
    return bool(await _patiently(connection, "validate_foreign_key", one))


async def forget_constraints(connection: asyncpg.Connection, run: UUID) -> bool:
    """Whether all is back, or is another run's to put back."""
    return bool(await connection.fetchval(SQL["forget"], run))


async def note_left_off(connection: asyncpg.Connection, run: UUID, left: list[str]) -> None:
    """Keep with an ended run what is not back yet, in the place of what was kept before."""
    found = [{"code": "constraint_left_off", "table": words} for words in left]
    await connection.execute(SQL["note"], run, msgspec.json.encode(found).decode())


async def _patiently(connection: asyncpg.Connection, statement: str, one: SuspendedConstraint) -> object:
    async with connection.transaction():
        await connection.execute(SQL["patience"])
        return await connection.fetchval(SQL[statement], *one.place, timeout=BUILDING_SECONDS)
