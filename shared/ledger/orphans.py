"""Refused rows that wait for a parent, and the replay that is started by itself when it is there."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import asyncpg
import msgspec

from shared.messages.data import Reason
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "replays.sql")


class Orphan(msgspec.Struct, frozen=True, kw_only=True):
    """One row that waits for a parent; `run` is the one that refused it, under whose key it is sealed."""

    id: UUID
    run: UUID
    mapping: str
    reasons: tuple[Reason, ...]
    sealed_row: bytes


async def read_orphans(connection: asyncpg.Connection, run: UUID, after: UUID | None, limit: int) -> tuple[Orphan, ...]:
    """Orphans of the migration that a run of rows belongs to, by their ids; none for a run of another kind."""
    return tuple(
        Orphan(
            id=row["id"],
            run=row["run_id"],
            mapping=row["mapping"],
            reasons=msgspec.json.decode(row["reasons"], type=tuple[Reason, ...]),
            sealed_row=row["sealed_row"],
        )
        for row in await connection.fetch(SQL["orphans"], run, after, limit)
    )


async def start_by_itself(connection: asyncpg.Connection, run: UUID, rows: Collection[UUID]) -> UUID | None:
    """Start a replay of orphans, in the transaction that completes a run; None where there is nothing to start.

    Each row once. After a replay that was started so and wrote none of them, none is started.
    """
    if not rows:
        return None
    started: UUID | None = await connection.fetchval(SQL["start_by_itself"], run, list(rows))
    return started
