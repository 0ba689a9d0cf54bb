"""One SHA-256 per table over its rows in primary-key order: two targets with equal rows have equal hashes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.postgres.errors import DRIVER_ERRORS
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.postgres", "table_hash.sql")


class HashedTable(msgspec.Struct, frozen=True, kw_only=True):
    """What is hashed of one table; no `columns` means all of them. Their order does not matter."""

    table: TableName
    columns: tuple[str, ...] = ()


class TableHash(msgspec.Struct, frozen=True, kw_only=True):
    """One table's rows: their number and the SHA-256, hex, over their columns and contents."""

    table: TableName
    columns: tuple[str, ...]
    row_count: int
    sha256: str


class TargetHash(msgspec.Struct, frozen=True, kw_only=True):
    """All tables, by name, and the SHA-256 over their hashes."""

    tables: tuple[TableHash, ...]
    sha256: str


async def hash_tables(connection: asyncpg.Connection, tables: Iterable[HashedTable]) -> TargetHash:
    """Hash tables in one snapshot, streamed; a table that is named twice is hashed over the columns of both.

    The hash holds names, column names and values as PostgreSQL writes them under pinned settings, NULL and '' apart; it
    does not depend on the physical order of rows or columns. Rows are in the order of the primary key; a table without
    one in the order of all its columns. Raises Refused for a table or column that is not there, and what the driver
    raises.
    """
    wanted: dict[TableName, set[str] | None] = {}
    for hashed in tables:
        known = wanted.get(hashed.table, set())
        wanted[hashed.table] = None if known is None or not hashed.columns else known | set(hashed.columns)
    async with _snapshot(connection):
        found = tuple([await _hash(connection, table, wanted[table]) for table in sorted(wanted)])
    total = hashlib.sha256("".join(f"{one.sha256}\n" for one in found).encode())
    return TargetHash(tables=found, sha256=total.hexdigest())


@asynccontextmanager
async def _snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    await connection.execute(SQL["begin"])
    try:
        await connection.execute(SQL["pin"])
        yield
    finally:
        try:
            await connection.execute(SQL["end"])
        except DRIVER_ERRORS:
            connection.terminate()


async def _hash(connection: asyncpg.Connection, table: TableName, wanted: set[str] | None) -> TableHash:
    found = await connection.fetch(SQL["columns"], table.schema, table.name)
    there = {row["name"] for row in found}
    missing = sorted((wanted or set()) - there)
    if not there or missing:
        what = f"column {missing[0]} of table {table}" if missing and there else f"table {table}"
        raise Refused(f"The target has no {what}.", code="target_changed", remedy="Check the target's schema.")
    columns = tuple(row["name"] for row in found if wanted is None or row["name"] in wanted)
    statement = SQL["rows"].format(
        columns=", ".join(_text(name) for name in columns), table=table.sql, order=_order(found, columns)
    )
    digest = hashlib.sha256(msgspec.json.encode([str(table), columns]))

    async def take(rows: bytes) -> None:
        digest.update(rows)

    status = await connection.copy_from_query(statement, output=take, format="csv", force_quote=True)
    return TableHash(table=table, columns=columns, row_count=int(status.split()[-1]), sha256=digest.hexdigest())


def _order(found: Sequence[asyncpg.Record], columns: tuple[str, ...]) -> str:
    """By the primary key as its index has it, texts by their bytes; without one by the text of everything."""
    key = sorted((row for row in found if row["key_place"] is not None), key=itemgetter("key_place"))
    if not key:
        return ", ".join(f'{_text(name)} collate "C"' for name in columns)
    return ", ".join(f"t.{Identifier(row['name'])}" + (' collate "C"' if row["collated"] else "") for row in key)


def _text(column: str) -> str:
    return f"t.{Identifier(column)}::text"
