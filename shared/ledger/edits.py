"""Edited values as the ledger keeps them: sealed, who edited them, and why."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "edits.sql")


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a refused row, old and new as sealed JSON; `sealed_old` is None where the row does not have it."""

    id: UUID
    run: UUID
    row: UUID
    mapping: str
    target_key: UUID | None
    column: str
    sealed_old: bytes | None
    sealed_new: bytes
    actor: str
    reason: str


async def keep_edit(connection: asyncpg.Connection, edit: Edit) -> None:
    """Keep an edited value; of those of one column the latest counts."""
    await connection.execute(SQL["keep"], *msgspec.structs.astuple(edit))
