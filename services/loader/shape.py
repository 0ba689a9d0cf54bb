"""What the loader must know of a target table to put rows aside and compare them: types and constraints."""

from __future__ import annotations

import asyncpg
import msgspec

from services.loader.drift import gone
from shared.postgres.identifiers import TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "shape.sql")

UUID_OID = 2950
_EQUAL_BY_VALUE = frozenset({16, 17, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950, 3802})
"""bool, bytea, int8, int2, int4, oid, float4, float8, date, time, timestamp, timestamptz, numeric, uuid, jsonb."""
_EQUAL_AS_CHARACTERS = frozenset({25, 1042, 1043})
"""text, char(n), varchar: equal in collation C, whatever the column's collation finds equal."""


class StagedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One mapped column: `staged` is its name in the temporary table, `type_name` the type that it rests on.

    What is not `written` is followed only: a reference without a column in the target.

    In that table a domain is what it rests on and a length is open, so that it is the INSERT that refuses, row by row;
    an enum is text, since COPY would refuse an unknown label with its whole batch.
    """

    name: str
    staged: str
    oid: int
    type_name: str
    label: bool
    written: bool = True

    @property
    def staged_type(self) -> str:
        return "text" if self.label else self.type_name

    @property
    def by_value(self) -> bool:
        return self.oid in _EQUAL_BY_VALUE

    @property
    def by_characters(self) -> bool:
        return self.oid in _EQUAL_AS_CHARACTERS


class TargetShape(msgspec.Struct, frozen=True, kw_only=True):
    """Mapped columns in the order of the COPY stream; `constraints` and unique `keys` by name, with their columns.

    `guarded` where row security applies to us, which COPY does not support.
    """

    table: TableName
    columns: tuple[StagedColumn, ...]
    constraints: dict[str, tuple[str, ...]]
    keys: frozenset[str]
    guarded: bool

    @property
    def written(self) -> tuple[StagedColumn, ...]:
        """The columns that the target has."""
        return tuple(column for column in self.columns if column.written)

    def column(self, name: str) -> StagedColumn:
        """The mapped column of that name. Raises KeyError."""
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


async def read_shape(
    connection: asyncpg.Connection, table: TableName, columns: tuple[str, ...], follows: tuple[str, ...] = ()
) -> TargetShape:
    """Ask the catalogue; what a mapping `follows` comes behind its columns.

    Raises SchemaDrifted where the table or a column is not there any more.
    """
    found = await connection.fetchrow(SQL["table"], table.schema, table.name)
    if found is None:
        raise gone(f"{table}")
    described = {row["name"]: row for row in await connection.fetch(SQL["columns"], found["oid"])}
    constraints = await connection.fetch(SQL["constraints"], found["oid"])
    for name in columns:
        if name not in described:
            raise gone(f"{table}.{name}")
    return TargetShape(
        table=table,
        columns=(
            *(_staged(described[name], place) for place, name in enumerate(columns)),
            *(_followed(name, place) for place, name in enumerate(follows, len(columns))),
        ),
        constraints={row["name"]: tuple(row["columns"]) for row in constraints},
        keys=frozenset(row["name"] for row in constraints if row["is_key"]),
        guarded=found["guarded"],
    )


def _staged(row: asyncpg.Record, place: int) -> StagedColumn:
    return StagedColumn(
        name=row["name"],
        staged=f"c{place}",
        oid=row["oid"],
        type_name=row["type_name"],
        label=row["label"],
    )


def _followed(name: str, place: int) -> StagedColumn:
    return StagedColumn(name=name, staged=f"c{place}", oid=UUID_OID, type_name="uuid", label=False, written=False)
