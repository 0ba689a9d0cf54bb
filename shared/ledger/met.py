"""The codes that a run's planning met under code books, as the ledger keeps them: none that tells of few rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "met.sql")


class MetCount(msgspec.Struct, frozen=True, kw_only=True):
    """A code of a book, what it means, and how many rows have it: five or more."""

    code: str
    meaning: str
    row_count: int


class MetBook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one column's code book met in the snapshot.

    `rare_codes` more of the book were met in fewer than five rows each. `unknown_codes` are not in the book, in
    `unknown_rows` rows, None where that are fewer than five; they are never named. `otherwise` is what they become,
    None where their rows wait in quarantine. `many` where the column has so many values that not all were looked at,
    `untold` where only a run can tell which codes there are.
    """

    mapping: str
    column: str
    book: str
    codes: tuple[MetCount, ...] = ()
    rare_codes: int = 0
    unknown_codes: int = 0
    unknown_rows: int | None = 0
    otherwise: str | None = None
    many: bool = False
    untold: bool = False


async def write_met(connection: asyncpg.Connection, run: UUID, books: Sequence[MetBook]) -> None:
    """Keep what was met, in the place of what was kept before."""
    await connection.execute(SQL["write"], run, msgspec.json.encode(books).decode())


async def read_met(connection: asyncpg.Connection, run: UUID) -> tuple[MetBook, ...]:
    """What was met; nothing where nobody asked."""
    found = await connection.fetchval(SQL["read"], run)
    return () if found is None else msgspec.json.decode(found, type=tuple[MetBook, ...])
