"""The legacy server's own sums, in the snapshot of the run."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import asyncpg
import msgspec

from services.extractor.snapshot import SnapshotHolder
from services.extractor.sums import sum_mappings
from shared.core.sums import Sum
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool
from tests.integration.extractor.conftest import mapping_of

TABLES = """
create table t (id integer primary key, price numeric(12, 2), anything numeric, n smallint, cash money);
insert into t select g, nullif(g, 4) * 1.1, case when g = 3 then 'NaN' else g * 1e20 + 0.0001 end, 32000, g::money
  from generate_series(1, 6) g;
"""
TYPES = {"price": "numeric(12,2)", "anything": "numeric", "n": "smallint", "cash": "money"}


def summing(mapping: CompiledMapping) -> CompiledMapping:
    """The same mapping with the sums of all its columns."""
    columns = tuple(
        msgspec.structs.replace(column, type_name=TYPES[column.column.partition(".")[2]])
        for column in mapping.source.columns
    )
    sums = {column.column.partition(".")[2]: column.name for column in columns}
    return msgspec.structs.replace(mapping, source=msgspec.structs.replace(mapping.source, columns=columns, sums=sums))


async def test_sums_are_those_of_the_snapshot_and_exact(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute(TABLES)
    mapping = summing(mapping_of("public.t as t", {"t.id": "integer"}, tuple(f"t.{name}" for name in TYPES)))
    without = mapping_of("public.t as t", {"t.id": "integer"}, ("t.n",))
    held = await holder.take(uuid4())
    await legacy.execute("insert into t values (7, 1000, 1000, 1000, 1000)")
    found = await sum_mappings(pool, held.snapshot, [mapping, without], most=1)
    assert found == {
        "m": {
            "price": Sum(total=Decimal("18.70"), values=5),
            "anything": Sum(total=Decimal("1800000000000000000000.0005"), values=5, strange=1),
            "n": Sum(total=Decimal(192_000), values=6),
            "cash": Sum(total=Decimal(21), values=6),
        }
    }


async def test_a_table_without_rows_sums_up_to_nothing(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute(TABLES)
    await legacy.execute("delete from t")
    mapping = summing(mapping_of("public.t as t", {"t.id": "integer"}, ("t.price",)))
    held = await holder.take(uuid4())
    assert await sum_mappings(pool, held.snapshot, [mapping], most=1) == {"m": {"price": Sum()}}
