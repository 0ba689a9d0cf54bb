"""Cuts a mapping into batches: arithmetic over dense integers, else every n-th key of one ordered pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import asyncpg
import msgspec

from services.extractor.snapshot import Snapshot, reading
from shared.core.run_options import RunOptions
from shared.ledger.bounds import BatchBounds
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping, Cut, SourceProgram
from shared.postgres.pools import Pool
from shared.postgres.sql_files import filled, load_sql

SQL = load_sql("services.extractor", "cutting.sql")
OPEN = BatchBounds()
DENSE = 0.5
SAMPLED_ROWS = 1000
STREAM_FACTOR = 4.0
"""A mapping is streamed when reading it batch by batch would cost more than this many times reading it once."""
Marks = Sequence[tuple[str, ...]]


async def cut_mapping(
    pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, from_rows: int, options: RunOptions
) -> tuple[BatchBounds, ...]:
    """The batches of a mapping in the order of its key, none when it is empty: every row is in exactly one of them.

    The first is open below and the last above. Raises SnapshotLost or an error of the legacy server.
    """
    if from_rows == 0:
        return ()
    async with reading(pool, snapshot, mapping.source.schema, f"cutting mapping {mapping.name}") as connection:
        await connection.execute(SQL["memory"])
        size = await _batch_rows(connection, mapping.source, options)
        if from_rows <= size:
            return (OPEN,)
        return await _cut(connection, mapping.source, from_rows, size)


async def _cut(connection: asyncpg.Connection, source: SourceProgram, rows: int, size: int) -> tuple[BatchBounds, ...]:
    if source.cut is Cut.INTEGERS:
        low, high = await connection.fetchrow(source_sql.integer_range_sql(source))
        if rows >= DENSE * (high - low + 1):
            return tuple(between(list(integer_marks(low, high, size))))
    records = await connection.fetch(source_sql.every_nth_key_sql(source, size))
    upto = {tuple(record[:-1]): record[-1] for record in records if record[-1] < rows}
    bounds = tuple(between(list(upto)))
    return placed(bounds, [*upto.values(), rows]) if await _streams(connection, source, bounds) else bounds


async def _batch_rows(connection: asyncpg.Connection, source: SourceProgram, options: RunOptions) -> int:
    """Rows of a batch: as many as its bytes allow by the width of a sample, and no more than the run's limit."""
    sample = filled(SQL["text_width"], rows=source_sql.sample_sql(source, SAMPLED_ROWS))
    return batch_rows(await connection.fetchval(sample), options)


def batch_rows(row_bytes: float, options: RunOptions) -> int:
    """Rows of `row_bytes` of text that fit a batch, from 1 to `options.batch_rows`."""
    return max(1, min(options.batch_rows, int(options.batch_bytes / max(row_bytes, 1.0))))


def integer_marks(low: int, high: int, step: int) -> Iterator[tuple[str]]:
    """Upper bounds that cut `low` to `high` into ranges of `step` integers, the last range without one."""
    for mark in range(low + step - 1, high, step):
        yield (str(mark),)


def between(marks: Marks) -> Iterator[BatchBounds]:
    """Ranges between marks: one more than there are marks, open at both ends."""
    for lower, upper in pairwise([None, *marks, None]):
        yield BatchBounds(lower=lower, upper=upper)


def placed(bounds: Sequence[BatchBounds], upto: Sequence[int]) -> tuple[BatchBounds, ...]:
    """The same ranges with their places in the order of the key; `upto` is the number of rows up to the end of each."""
    return tuple(
        msgspec.structs.replace(item, first_row=first, row_count=end - first)
        for item, (first, end) in zip(bounds, pairwise([0, *upto]), strict=True)
    )


async def _streams(connection: asyncpg.Connection, source: SourceProgram, bounds: Sequence[BatchBounds]) -> bool:
    """Whether reading each batch by itself costs much more than reading all in one go."""
    whole = await _cost(connection, source_sql.select_sql(source, OPEN, ordered=True))
    single = await _cost(connection, source_sql.select_sql(source, bounds[len(bounds) // 2]))
    return single * len(bounds) > STREAM_FACTOR * whole


async def _cost(connection: asyncpg.Connection, rows: str) -> float:
    plan = msgspec.json.decode(await connection.fetchval(filled(SQL["explain_cost"], rows=rows)))
    return float(plan[0]["Plan"]["Total Cost"])
