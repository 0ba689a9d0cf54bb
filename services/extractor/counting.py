"""The two counts of a mapping, taken in the snapshot and independently of its batches, and what they prove."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import msgspec

from services.extractor.snapshot import Snapshot, reading
from services.extractor.tasks import each
from shared.core.errors import Refused
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.extractor", "cutting.sql")


class MappingRefused(Refused):
    """What a mapping's FROM clause gives is not what the plan says of it."""

    code = "mapping_refused"


class MappingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the driving table and of the FROM result."""

    driving_rows: int
    from_rows: int


async def count_mappings(
    pool: Pool, snapshot: Snapshot, mappings: Sequence[CompiledMapping], *, most: int
) -> dict[str, MappingCounts]:
    """Count both of every mapping and check its key, `most` at a time: each driving table once, the largest first.

    Raises MappingRefused, SnapshotLost, or an error of the legacy server.
    """
    statements = {mapping.name: source_sql.count_driving_sql(mapping.source) for mapping in mappings}
    driven = {statements[mapping.name]: mapping for mapping in mappings}

    async def count_driving(mapping: CompiledMapping) -> int:
        return await _count_driving(pool, snapshot, mapping)

    rows = dict(zip(driven, await each(count_driving, driven.values(), most=most), strict=True))

    async def count(mapping: CompiledMapping) -> MappingCounts:
        return await _count_rows(pool, snapshot, mapping, rows[statements[mapping.name]])

    order = sorted(mappings, key=lambda mapping: -rows[statements[mapping.name]])
    counted = await each(count, order, most=most)
    return {mapping.name: counts for mapping, counts in zip(order, counted, strict=True)}


async def _count_driving(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping) -> int:
    source = mapping.source
    async with reading(pool, snapshot, source.schema, f"counting mapping {mapping.name}") as connection:
        await connection.execute(SQL["scan_tables"])
        rows: int = await connection.fetchval(source_sql.count_driving_sql(source))
    return rows


async def _count_rows(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, driving_rows: int) -> MappingCounts:
    source = mapping.source
    async with reading(pool, snapshot, source.schema, f"counting mapping {mapping.name}") as connection:
        await connection.execute(SQL["memory"])
        from_rows = await connection.fetchval(source_sql.count_rows_sql(source))
        counts = MappingCounts(driving_rows=driving_rows, from_rows=from_rows)
        await _check_key(connection, mapping, counts)
    _check_excludes(mapping, counts)
    return counts


async def _check_key(connection: asyncpg.Connection, mapping: CompiledMapping, counts: MappingCounts) -> None:
    source, name = mapping.source, mapping.name
    null_key = source_sql.null_key_sql(source)
    if null_key is not None and await connection.fetchval(null_key):
        raise MappingRefused(
            f"the key of mapping {name} is NULL in some row of its `from`",
            code="key_is_null",
            remedy=f"Choose a `key` for {name} that every row has, or `content()`.",
        )
    repeated = source_sql.repeated_key_sql(source)
    most = await connection.fetchval(repeated) if repeated is not None else None
    if most is None and counts.from_rows <= counts.driving_rows:
        return
    if counts.from_rows > counts.driving_rows:
        raise MappingRefused(
            f"the joins of mapping {name} multiply rows: "
            f"{counts.driving_rows} of {source.driving} give {counts.from_rows}",
            code="join_multiplies",
            remedy=f"Join {name} on columns that are unique in the joined table, or pick one row of it in a subquery.",
        )
    raise MappingRefused(
        f"the key of mapping {name} repeats: one of its values stands in {most} rows",
        code="key_repeats",
        remedy=f"Choose a `key` for {name} that tells its rows apart, or `content()`; a join may multiply them, too.",
    )


def _check_excludes(mapping: CompiledMapping, counts: MappingCounts) -> None:
    source, excluded = mapping.source, counts.driving_rows - counts.from_rows
    if excluded and not source.excludes_expected:
        raise MappingRefused(
            f"the joins of mapping {mapping.name} drop {excluded} of {counts.driving_rows} rows of {source.driving}",
            code="join_drops_rows",
            remedy=f"Use LEFT JOIN in {mapping.name}, or write `excludes: expected` if these rows shall not move.",
        )
