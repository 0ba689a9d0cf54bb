"""Reads one batch: COPY (…) TO STDOUT (FORMAT csv) into memory, whole or not at all."""

from __future__ import annotations

import msgspec

from services.extractor.csv_rows import count_rows
from services.extractor.snapshot import Snapshot, reading
from shared.core.errors import BatchError, RunError
from shared.ledger.bounds import BatchBounds
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping, SourceProgram
from shared.postgres.pools import Pool, end
from shared.postgres.sql_files import filled, load_sql

SQL = load_sql("services.extractor", "reading.sql")


class SourceRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a batch as COPY wrote them, in chunks."""

    chunks: tuple[bytes, ...]
    row_count: int


class BatchTooLarge(BatchError):
    """The batch has more bytes than it may have: it is split, unless its rows have one and the same key to cut by."""

    code = "batch_too_large"


async def read_range(
    pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds, max_bytes: int
) -> SourceRows:
    """The rows of a range, in one transaction under the snapshot.

    Raises BatchTooLarge as soon as they exceed `max_bytes`, SnapshotLost, or an error of the legacy server.
    """
    chunks: list[bytes] = []
    size = 0

    async def keep(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)
        if size > max_bytes:
            raise BatchTooLarge(f"a batch of mapping {mapping.name} has more than {max_bytes} bytes")
        chunks.append(chunk)

    statement = source_sql.select_sql(mapping.source, bounds)
    doing = f"reading a batch of mapping {mapping.name}"
    async with reading(pool, snapshot, mapping.source.schema, doing) as connection:
        try:
            status = await connection.copy_from_query(statement, output=keep, format="csv")
        except BatchTooLarge:
            end(connection)  # the driver hangs if its callback raised at the last piece
            raise
    return SourceRows(chunks=tuple(chunks), row_count=copied_rows(status))


async def middle_key(
    pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, bounds: BatchBounds
) -> tuple[str, ...] | None:
    """The cut key that parts the rows of a range in two halves; None where all rows have one and the same."""
    statement = filled(SQL["middle_key"], **_parts(mapping.source, bounds))
    doing = f"splitting a batch of mapping {mapping.name}"
    async with reading(pool, snapshot, mapping.source.schema, doing) as connection:
        row = await connection.fetchrow(statement)
    return tuple(row) if row is not None else None


def keys_alone(mapping: CompiledMapping) -> CompiledMapping:
    """The mapping as it reads the keys of rows that are too large to be read: every other column is NULL.

    Rows without identity get the hash that they are cut by in the place of their first column, so that what stands for
    their key differs from that of any other content.
    """
    source = mapping.source
    values = [part.sql for part in source.cut_key[:1]] if source.content_key else []
    sqls = [*values, *("null" for _ in source.columns[len(values) :])]
    columns = tuple(msgspec.structs.replace(column, sql=sql) for column, sql in zip(source.columns, sqls, strict=True))
    return msgspec.structs.replace(mapping, source=msgspec.structs.replace(source, columns=columns))


def _parts(source: SourceProgram, bounds: BatchBounds) -> dict[str, str]:
    names = [part.name for part in source.cut_key]
    return {
        "texts": ", ".join(f"keys.{name}::text" for name in names),
        "names": ", ".join(names),
        "keys": ", ".join(f"{part.sql} as {part.name}" for part in source.cut_key),
        "tables": source.from_sql,
        "within": source_sql.where(source, bounds),
    }


def check_rows(rows: SourceRows, mapping: str) -> None:
    """Raise RunError unless the text holds as many rows as COPY says. Takes CPU: call it in a worker thread."""
    found = count_rows(rows.chunks)
    if found != rows.row_count:
        raise RunError(
            f"COPY of a batch of mapping {mapping} says {rows.row_count} rows and gave {found}",
            code="rows_differ",
        )


def copied_rows(status: str) -> int:
    """The number in `COPY 123`."""
    return int(status.rpartition(" ")[2])
