"""The sums that the legacy server gives of columns to be proven, in the snapshot and independently of the batches."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.extractor.snapshot import Snapshot, reading
from services.extractor.tasks import each
from shared.core.sums import Sum
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool


async def sum_mappings(
    pool: Pool, snapshot: Snapshot, mappings: Sequence[CompiledMapping], *, most: int
) -> dict[str, dict[str, Sum]]:
    """By mapping and target column, `most` at a time; only mappings that have such columns.

    Raises SnapshotLost, or an error of the legacy server.
    """
    wanted = [mapping for mapping in mappings if mapping.source.sums]

    async def sums(mapping: CompiledMapping) -> dict[str, Sum]:
        return await _sums(pool, snapshot, mapping)

    found = await each(sums, wanted, most=most)
    return {mapping.name: one for mapping, one in zip(wanted, found, strict=True)}


async def _sums(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping) -> dict[str, Sum]:
    source = mapping.source
    async with reading(pool, snapshot, source.schema, f"summing mapping {mapping.name}") as connection:
        row = await connection.fetchrow(source_sql.sums_sql(source))
    return {
        column: Sum(values=row[3 * place], total=Decimal(row[3 * place + 1]), strange=row[3 * place + 2])
        for place, column in enumerate(source.sums)
    }
