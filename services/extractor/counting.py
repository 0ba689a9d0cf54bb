"""The two counts of a mapping, taken in the snapshot and independently of its batches, and what they prove."""

from __future__ import annotations

import asyncpg
import msgspec

from services.extractor.snapshot import Snapshot, reading
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


async def count_mapping(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping) -> MappingCounts:
    """Count both and check the key. Raises MappingRefused, SnapshotLost, or an error of the legacy server."""
    source, doing = mapping.source, f"counting mapping {mapping.name}"
    async with reading(pool, snapshot, source.schema, doing) as connection:
        await connection.execute(SQL["scan_tables"])
        driving_rows = await connection.fetchval(source_sql.count_driving_sql(source))
    async with reading(pool, snapshot, source.schema, doing) as connection:
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
