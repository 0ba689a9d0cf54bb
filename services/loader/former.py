"""The rows that a batch is about to change, read as they are: what an undo puts back."""

from __future__ import annotations

import asyncpg

from services.loader.body import OpenedBatch
from services.loader.shape import TargetShape
from services.loader.statements import identity_columns
from services.loader.verdicts import Verdicts
from shared.core.errors import BatchError
from shared.ledger.former import FormerAction, FormerRow, FormerRows
from shared.plan.compiled import LoadProgram
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "former.sql")


async def read_former(
    connection: asyncpg.Connection, opened: OpenedBatch, program: LoadProgram, shape: TargetShape, verdicts: Verdicts
) -> list[FormerRows]:
    """The columns that the staged rows change, as text, of those that are in the target; they are locked from then on.

    Raises BatchError where others than those that were compared are there by now: the batch is tried again.
    """
    identity = identity_columns(program)
    if not identity:
        return []
    changed = tuple(column.name for column in shape.written if column.name not in identity)
    statement = SQL["staged"].format(
        table=shape.table.sql,
        texts=", ".join(SQL["text"].format(column=Identifier(name)) for name in changed),
        identity=" and ".join(
            SQL["identity"].format(column=Identifier(name), staged=shape.column(name).staged) for name in identity
        ),
    )
    found = await connection.fetch(statement)
    if {row["ordinal"] for row in found} != verdicts.updated - verdicts.judged:
        raise BatchError(
            f"Rows of a batch of {opened.batch.mapping} came or went while it was compared.", code="target_moved"
        )
    rows = tuple(
        FormerRow(key=opened.target_key(row["ordinal"]), written_by=row["written_by"], texts=tuple(row["texts"]))
        for row in found
    )
    return [FormerRows(action=FormerAction.UPDATED, columns=changed, rows=rows)] if rows else []
