"""Joins of a batch with its table, row by row over the table's key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.plan.compiled import LoadProgram
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "by_index.sql")


@asynccontextmanager
async def by_index(connection: asyncpg.Connection, program: LoadProgram) -> AsyncIterator[None]:
    """Within a transaction: the statements of the block join by the index of the key, where the target has one."""
    if not program.key_is_unique:
        yield
        return
    await connection.execute(SQL["by_index"])
    yield
    await connection.execute(SQL["as_usual"])  # not after an error: the transaction ends then, and this with it
