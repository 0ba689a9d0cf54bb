"""What becomes of refused rows when a later run of their migration meets them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg

from shared.core.ids import BatchRef
from shared.ledger.quarantine import Resolution
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "resolving.sql")


async def waiting_keys(connection: asyncpg.Connection, batch: BatchRef, most: int) -> frozenset[bytes]:
    """16-byte keys of rows of the batch's mapping that other runs refused and that wait: all, or `most` of them."""
    rows = await connection.fetch(SQL["waiting"], batch.run, batch.mapping, batch.pass_number, most)
    return frozenset(row["target_key"].bytes for row in rows)


async def resolve_rows(
    connection: asyncpg.Connection, batch: BatchRef, found: Mapping[Resolution, Collection[bytes]]
) -> None:
    """Say of rows that wait, by their 16-byte keys, what the batch made of them; other keys are passed over."""
    for resolution, keys in found.items():
        if keys:
            wanted = [UUID(bytes=key) for key in keys]
            place = (batch.run, batch.mapping, batch.pass_number)
            await connection.fetchval(SQL["resolve"], *place, resolution, wanted)
