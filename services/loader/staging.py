"""A batch in the temporary table: put there, read back row by row where COPY refuses it, taken out, written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Sequence

import asyncpg
import msgspec

from services.loader.body import OpenedBatch
from services.loader.copy_rows import join_rows, split_rows, texts_of
from services.loader.reasons import reason_for
from services.loader.shape import TargetShape
from services.loader.statements import SQL, STAGED_TABLE, Statements
from services.loader.verdicts import Verdicts
from shared.core.errors import RunError
from shared.core.states import Encoding
from shared.messages.data import Reason
from shared.postgres.errors import Fault, fault_of
from shared.postgres.identifiers import TableName

STAGED = TableName(schema="pg_temp", name=STAGED_TABLE)
CHUNK_BYTES = 512 * 1024
SLICE_ROWS = 100
_PLACE = re.compile(r"^COPY [^,\n]+, \S+ \d+, \S+ ([^:\n]+)(?::|$)", re.MULTILINE)


async def copy_rows(
    connection: asyncpg.Connection, table: TableName, columns: Sequence[str], encoding: Encoding, rows: bytes
) -> int:
    """COPY an encoded stream into a table; gives the number of rows that the server counted."""
    status = await connection.copy_to_table(
        table.name,
        schema_name=table.schema,
        columns=columns,
        source=_chunks(rows),
        format=encoding.value,
    )
    return int(status.split()[-1])


async def stage(
    connection: asyncpg.Connection, opened: OpenedBatch, shape: TargetShape, statements: Statements, verdicts: Verdicts
) -> None:
    """Fill the temporary table. Rows that COPY refuses one by one are refused in `verdicts` and not staged."""
    await connection.execute(statements.create)
    staged = [column.staged for column in shape.columns]
    try:
        count = await copy_rows(connection, STAGED, staged, opened.encoding, opened.body.rows)
    except asyncpg.PostgresError as error:
        if fault_of(error, in_copy=True) is not Fault.ROW:
            raise
        await connection.execute(SQL["not_staged"])
        await _stage_readable(connection, opened, shape, verdicts)
    else:
        check_count(opened, count)
    await connection.execute(SQL["staged"])


async def take_out(
    connection: asyncpg.Connection,
    ordinals: Collection[int],
    shape: TargetShape,
    statements: Statements,
    verdicts: Verdicts,
) -> None:
    """Remove judged rows from the temporary table, keeping the texts of the refused ones."""
    refused = [ordinal for ordinal in ordinals if ordinal in verdicts.refused and ordinal not in verdicts.texts]
    if refused:
        names = [column.name for column in shape.columns]
        for row in await connection.fetch(statements.texts, refused, names):
            verdicts.texts[row["ordinal"]] = row["row"].encode()
    if ordinals:
        await connection.execute(SQL["remove"], list(ordinals))


async def write_staged(connection: asyncpg.Connection, statements: Statements) -> int:
    """Put what is left in the temporary table into the target; gives the number of rows written."""
    status = await connection.execute(statements.write)
    return int(status.split()[-1])


def check_count(opened: OpenedBatch, count: int) -> None:
    """COPY CSV can lose rows silently: what the server counted must be what the transformer wrote."""
    if count != opened.body.row_count:
        raise RunError(
            f"COPY took {count} rows of a batch of {opened.batch.mapping} that has {opened.body.row_count}.",
            code="rows_miscounted",
        )


async def _stage_readable(
    connection: asyncpg.Connection, opened: OpenedBatch, shape: TargetShape, verdicts: Verdicts
) -> None:
    rows = await asyncio.to_thread(split_rows, opened.encoding, opened.body.rows)
    if len(rows) != opened.body.row_count:
        check_count(opened, len(rows))
    good: list[int] = []
    slices = [(at, min(at + SLICE_ROWS, len(rows))) for at in reversed(range(0, len(rows), SLICE_ROWS))]
    while slices:
        first, end = slices.pop()
        reason = await _try_slice(connection, opened.encoding, shape, rows[first:end])
        if reason is None:
            good.extend(range(first + 1, end + 1))
        elif end - first > 1:
            middle = (first + end) // 2
            slices += [(middle, end), (first, middle)]
        else:
            verdicts.refuse(end, reason)
            verdicts.texts[end] = _row_text(opened.encoding, shape, rows[first])
    await connection.execute(SQL["restart"])
    if good:
        stream = join_rows(opened.encoding, [rows[ordinal - 1] for ordinal in good])
        await copy_rows(connection, STAGED, [column.staged for column in shape.columns], opened.encoding, stream)
        await connection.execute(SQL["renumber"], good)


async def _try_slice(
    connection: asyncpg.Connection, encoding: Encoding, shape: TargetShape, rows: Sequence[bytes]
) -> Reason | None:
    """COPY a few rows; None when all were taken, else the reason of the first refusal."""
    try:
        staged = [column.staged for column in shape.columns]
        await copy_rows(connection, STAGED, staged, encoding, join_rows(encoding, rows))
    except asyncpg.PostgresError as error:
        if fault_of(error, in_copy=True) is not Fault.ROW:
            raise
        await connection.execute(SQL["not_staged"])
        return reason_for(error.sqlstate or "", _column_of(error, shape), "", shape, ())
    await connection.execute(SQL["next_staged"])
    return None


def _column_of(error: asyncpg.PostgresError, shape: TargetShape) -> str:
    """The column that COPY's context names; the rest of that text may be a value."""
    found = _PLACE.search(getattr(error, "context", None) or "")
    return next((column.name for column in shape.columns if found and column.staged == found[1]), "")


def _row_text(encoding: Encoding, shape: TargetShape, row: bytes) -> bytes:
    names = [column.name for column in shape.columns]
    return msgspec.json.encode(dict(zip(names, texts_of(encoding, row), strict=False)))


async def _chunks(rows: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(rows)
    for at in range(0, len(view), CHUNK_BYTES):
        yield view[at : at + CHUNK_BYTES]
