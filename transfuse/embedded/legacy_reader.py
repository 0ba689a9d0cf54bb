"""A role that may read what a plan reads and nothing else, as every legacy database should give us."""

from __future__ import annotations

import secrets
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from shared.plan.from_clause import read_from
from shared.plan.model import Plan
from shared.postgres.identifiers import Identifier, TableName, literal

READER = "legacy_reader"


async def make_reader(owner_url: str, plan: Plan) -> str:
    """Create or renew the role `legacy_reader` with SELECT on the plan's tables; its URL, a secret."""
    password = secrets.token_urlsafe(24)
    connection = await asyncpg.connect(owner_url)
    try:
        if not await connection.fetchval("select true from pg_roles where rolname = $1", READER):
            await connection.execute(f"create role {Identifier(READER)}")
        await connection.execute(
            f"alter role {Identifier(READER)} login nosuperuser nocreatedb nocreaterole password {literal(password)}"
        )
        await connection.execute(f"grant usage on schema {Identifier(plan.source_schema)} to {Identifier(READER)}")
        for table in sorted(tables_of(plan)):
            await connection.execute(f"grant select on {table.sql} to {Identifier(READER)}")
    finally:
        await connection.close()
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{READER}:{quote(password, safe='')}@{host}"))


def tables_of(plan: Plan) -> set[TableName]:
    """Every legacy table that a plan reads."""
    return {
        table for mapping in plan.mappings for table in read_from(mapping.from_.value, plan.source_schema)[1].tables
    }
