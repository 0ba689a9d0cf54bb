"""The rows that stand for parents which are not there: made once, by whichever batch first needs them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from services.loader.shape import read_shape
from services.loader.statements import SQL
from shared.core.errors import RunError
from shared.plan.compiled import LoadProgram, PlaceholderRow
from shared.postgres.errors import Fault, fault_of
from shared.postgres.identifiers import Identifier


async def make_placeholders(
    connection: asyncpg.Connection, program: LoadProgram, keys: Mapping[str, bytes]
) -> tuple[tuple[str, bytes], ...]:
    """Insert the placeholders of some mappings, by their keys, where they are not there yet; gives those it made.

    Always in the same order: batches that need the same ones wait for each other and never in a circle.

    Raises RunError where the target refuses one: every batch would meet that.
    """
    return tuple(
        [
            (row.mapping, keys[row.mapping])
            for row in program.placeholders
            if row.mapping in keys and await _insert(connection, row, keys[row.mapping])
        ]
    )


async def _insert(connection: asyncpg.Connection, row: PlaceholderRow, key: bytes) -> bool:
    """Whether it was not there yet."""
    shape = await read_shape(connection, row.table, (row.key_column, *row.columns))
    statement = SQL["placeholder"].format(
        table=row.table.sql,
        names=", ".join(Identifier(column.name) for column in shape.columns),
        values=", ".join(f"${place}::text::{column.type_name}" for place, column in enumerate(shape.columns, 1)),
        key=Identifier(row.key_column),
    )
    try:
        status = await connection.execute(statement, str(UUID(bytes=key)), *row.values)
    except asyncpg.PostgresError as error:
        if fault_of(error, in_copy=False) is not Fault.ROW:
            raise
        raise RunError(
            f"The target refuses the placeholder row of {row.mapping} (SQLSTATE {error.sqlstate}).",
            code="placeholder_refused",
            remedy="Change its values (`placeholder` of the mapping) to what the table takes, then start a new run.",
        ) from error
    return int(status.split()[-1]) > 0
