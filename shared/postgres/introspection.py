"""Reads a schema's tables from pg_catalog, in seven short queries whatever the number of tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from shared.core.errors import Refused
from shared.postgres.catalog import Catalog, Column, ColumnType, ForeignKey, Table, Trigger, UniqueKey
from shared.postgres.identifiers import TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.postgres", "introspection.sql")
ARRAY, DOMAIN = "a", "d"

Row = Mapping[str, Any]
ByTable = dict[int, list[Row]]


async def read_catalog(connection: asyncpg.Connection, schema: str) -> Catalog:
    """The tables, views and partitioned tables of one schema, within the transaction that the connection is in, if any.

    Type names are as `format_type` writes them with nothing but pg_catalog on the search path: types outside it carry
    their schema. Needs no right on the tables. Raises Refused `no_schema` when there is no such schema.
    """
    async with connection.transaction(), _PlainNames(connection):
        version = await connection.fetchrow(SQL["version"], f'"{schema.replace(chr(34), chr(34) * 2)}"')
        if not version["present"]:
            raise Refused(
                f"the database has no schema {schema!r}",
                code="no_schema",
                remedy="Correct the plan's `schema:`, or create the schema and its tables first.",
            )
        types = {row["oid"]: row for row in await connection.fetch(SQL["types"], schema, [])}
        rows = {name: by_table(await connection.fetch(SQL[name], schema)) for name in DETAILS}
        tables = [_table(schema, row, rows, types) for row in await connection.fetch(SQL["tables"], schema)]
    return Catalog(
        server_version=version["version"], schema=schema, tables={table.name.name: table for table in tables}
    )


async def read_types(connection: asyncpg.Connection, wanted: Iterable[tuple[int, int]]) -> list[ColumnType]:
    """The types of some (oid, typmod), in that order: what a prepared statement's columns say of themselves."""
    pairs = list(wanted)
    async with connection.transaction(), _PlainNames(connection):
        rows = await connection.fetch(SQL["types"], "", sorted({oid for oid, _ in pairs}))
        names = await connection.fetch(SQL["type_names"], [oid for oid, _ in pairs], [typmod for _, typmod in pairs])
    types = {row["oid"]: row for row in rows}
    return [
        column_type(oid, typmod, name["name"], types[oid]) for (oid, typmod), name in zip(pairs, names, strict=True)
    ]


DETAILS = ("columns", "keys", "foreign_keys", "triggers")


class _PlainNames:
    """Within it the transaction's search path is pg_catalog alone, so that a type has one name whoever asks."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._before = ""

    async def __aenter__(self) -> None:
        self._before = await self._connection.fetchval(SQL["search_path"])

    async def __aexit__(self, failed: object, *_: object) -> None:
        if failed is None:
            await self._connection.execute(SQL["restore_search_path"], self._before)


def by_table(rows: Iterable[Row]) -> ByTable:
    """Rows by their `table_oid`, order kept."""
    grouped: ByTable = defaultdict(list)
    for row in rows:
        grouped[row["table_oid"]].append(row)
    return grouped


def _table(schema: str, row: Row, details: dict[str, ByTable], types: dict[int, Row]) -> Table:
    oid = row["table_oid"]
    return Table(
        name=TableName(schema=schema, name=row["name"]),
        kind=row["kind"],
        columns=tuple(_column(column, types[column["type_oid"]]) for column in details["columns"].get(oid, ())),
        keys=tuple(_unique_key(key) for key in details["keys"].get(oid, ())),
        foreign_keys=tuple(_foreign_key(key) for key in details["foreign_keys"].get(oid, ())),
        triggers=tuple(Trigger(name=t["name"], enabled=t["enabled"]) for t in details["triggers"].get(oid, ())),
        row_security=row["row_security"],
        row_estimate=row["row_estimate"],
        byte_estimate=row["byte_estimate"],
        children=tuple(
            TableName(schema=schema, name=name)
            for schema, name in zip(row["child_schemas"], row["child_names"], strict=True)
        ),
    )


def _column(row: Row, type_row: Row) -> Column:
    return Column(
        name=row["name"],
        type=column_type(row["type_oid"], row["typmod"], row["type_name"], type_row),
        not_null=row["not_null"] or type_row["not_null"],
        has_default=row["has_default"] or row["identity"] != "",
        generated=row["generated"] != "" or row["identity"] == "a",
        identity=row["identity"] != "",
    )


def column_type(oid: int, typmod: int, name: str, row: Row) -> ColumnType:
    """A type as a column has it, from its row of the `types` query."""
    domain = row["kind"] == DOMAIN
    return ColumnType(
        oid=oid,
        typmod=typmod,
        name=name,
        kind=ARRAY if row["is_array"] else row["kind"],
        base_oid=row["base_oid"] if domain else 0,
        base_typmod=row["base_typmod"] if domain else -1,
        base_name=row["base_name"] if domain else "",
        element_oid=row["element_oid"] if row["is_array"] else 0,
        labels=tuple(row["labels"]),
    )


def _unique_key(row: Row) -> UniqueKey:
    return UniqueKey(
        name=row["name"], columns=tuple(row["columns"] or ()), primary=row["is_primary"], partial=row["partial"]
    )


def _foreign_key(row: Row) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        columns=tuple(row["columns"]),
        table=TableName(schema=row["referenced_schema"], name=row["referenced_table"]),
        referenced=tuple(row["referenced"]),
        validated=row["validated"],
    )
