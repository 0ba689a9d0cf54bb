"""What happens to mappings, written into the history of their run.

Both are called by whoever holds the run's row, in the transaction of what they tell of: each is told once.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg

from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "mapping_events.sql")


async def tell_ended(connection: asyncpg.Connection, run: UUID, mapping: str, pass_number: int) -> None:
    """A mapping was just completed, or failed: its rows by outcome."""
    await connection.execute(SQL["ended"], run, mapping, pass_number)


async def tell_limited(connection: asyncpg.Connection, run: UUID) -> None:
    """Mappings that paused at their quarantine limit since the run was last resumed, unless they were told of before.

    The loader pauses them and does not tell: it would wait for the run's row with the mapping's in its hand, while the
    dispatcher waits the other way round.
    """
    await connection.execute(SQL["limited"], run)
