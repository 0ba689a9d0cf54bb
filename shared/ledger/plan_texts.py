"""The files of one plan by its hash, on a connection that the caller has."""

from __future__ import annotations

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "plan_texts.sql")


async def plan_files(connection: asyncpg.Connection, plan_hash: str) -> dict[str, str]:
    """Every file by its name. Raises Refused `unknown_plan`."""
    files = await connection.fetchval(SQL["files"], plan_hash)
    if files is None:
        raise Refused("There is no such version of a plan.", code="unknown_plan")
    return msgspec.json.decode(files, type=dict[str, str])
