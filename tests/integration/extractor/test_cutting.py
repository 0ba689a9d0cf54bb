from __future__ import annotations

import csv
import io
from uuid import uuid4

import asyncpg
import pytest

from services.extractor.counting import count_mappings
from services.extractor.cutting import cut_mapping
from services.extractor.reading import SourceRows, read_range
from services.extractor.snapshot import SnapshotHolder
from services.extractor.streams import open_streams
from shared.core.run_options import RunOptions
from shared.plan.compiled import CompiledMapping, Cut
from shared.postgres.pools import Pool
from tests.integration.extractor.conftest import mapping_of

TABLE = """
create table t (id integer primary key, a text, b integer, u uuid, at timestamptz, name text collate "C");
insert into t
select g * {step}, 'wörd ' || md5(g::text), g % 7, md5(g::text)::uuid, timestamptz 'epoch' + g * interval '1 hour',
       case when g % 3 = 0 then 'Ä' when g % 3 = 1 then 'a''\\' else 'Z"' end || g
from generate_series(1, {rows}) g;
create unique index on t (b, id);
analyze t;
"""
KEYS = {
    "integer": mapping_of("public.t as t", {"t.id": "integer"}, ("t.id", "t.a"), cut=Cut.INTEGERS, unique_proven=True),
    "joined": mapping_of(
        "public.t as t left join public.t as o on o.id = t.id + 1",
        {"t.id": "integer"},
        ("t.id", "o.a"),
        cut=Cut.INTEGERS,
        driving_alias="t",
    ),
    "text": mapping_of("public.t as t", {"t.a": "text"}, ("t.id", "t.a")),
    "hostile text": mapping_of("public.t as t", {"t.name": "text"}, ("t.id",)),
    "uuid": mapping_of("public.t as t", {"t.u": "uuid"}, ("t.id",)),
    "timestamp": mapping_of("public.t as t", {"t.at": "timestamp with time zone"}, ("t.id",)),
    "two parts": mapping_of("public.t as t", {"t.b": "integer", "t.a": "text"}, ("t.id",)),
    "window": mapping_of(
        "(select *, row_number() over (partition by b order by id) as n from public.t) as t",
        {"t.id": "integer"},
        ("t.id", "t.n"),
    ),
    "content": mapping_of(
        "public.t as t",
        {"row_number() over (partition by t.b)": "bigint"},
        ("t.id",),
        cut_key={"md5(t.b::text)": "text"},
    ),
}


async def ids_by_batch(pool: Pool, holder: SnapshotHolder, mapping: CompiledMapping, rows: int) -> list[list[int]]:
    """The ids that each batch reads; the column behind the key parts."""
    held = await holder.take(uuid4())
    counts = (await count_mappings(pool, held.snapshot, [mapping], most=1))[mapping.name]
    bounds = await cut_mapping(pool, held.snapshot, mapping, counts.from_rows, RunOptions(batch_rows=rows))
    found = []
    for item in bounds:
        read = await read_range(pool, held.snapshot, mapping, item, 1_000_000)
        place = len(mapping.source.key)
        lines = list(csv.reader(io.StringIO(b"".join(read.chunks).decode())))
        assert read.row_count == len(lines)
        found.append([int(line[place]) for line in lines])
    return found


@pytest.mark.parametrize(("rows", "step", "size"), ((100, 1, 30), (90, 1, 30), (60, 9, 7), (5, 1, 100), (7, 1, 1)))
async def test_every_row_is_in_exactly_one_batch(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder, rows: int, step: int, size: int
) -> None:
    await legacy.execute(TABLE.format(rows=rows, step=step))
    for name, mapping in KEYS.items():
        batches = await ids_by_batch(pool, holder, mapping, size)
        assert sorted(number for batch in batches for number in batch) == [n * step for n in range(1, rows + 1)], name
        if name != "content":
            assert all(0 < len(batch) <= size for batch in batches), name


async def test_an_empty_mapping_has_no_batch(legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder) -> None:
    await legacy.execute(TABLE.format(rows=0, step=1))
    assert await ids_by_batch(pool, holder, KEYS["integer"], 10) == []


async def test_sparse_integers_are_cut_by_rows_and_not_by_distance(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table t (id bigint primary key, a text)")
    await legacy.execute("insert into t select g * g * g * 1000000::bigint from generate_series(1, 100) g")
    key = mapping_of("public.t as t", {"t.id": "bigint"}, ("t.id", "t.a"), cut=Cut.INTEGERS, unique_proven=True)
    batches = await ids_by_batch(pool, holder, key, 25)
    assert [len(batch) for batch in batches] == [25, 25, 25, 25]


async def test_wide_rows_make_small_batches(legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder) -> None:
    await legacy.execute("create table t (id integer primary key, a text)")
    await legacy.execute("insert into t select g, repeat('x', 1000) from generate_series(1, 100) g")
    held = await holder.take(uuid4())
    bounds = await cut_mapping(pool, held.snapshot, KEYS["integer"], 100, RunOptions(batch_bytes=20_300))
    assert len(bounds) == 5


async def test_equal_rows_stay_together_when_a_stream_is_cut(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table t as select g as id, (g / 7 * 7)::text as a from generate_series(0, 19999) g")
    held, run = await holder.take(uuid4()), uuid4()
    mapping = mapping_of(
        "(select md5(a) as h, id from public.t) as q",
        {"row_number() over (partition by q.h)": "bigint"},
        ("q.id",),
        cut_key={"q.h": "text"},
    )
    bounds = await cut_mapping(pool, held.snapshot, mapping, 20_000, RunOptions(batch_rows=1000))
    assert sum(item.row_count or 0 for item in bounds) == 20_000
    async with open_streams(pool) as streams:
        for item in bounds:
            streamed = await streams.read(run, held.snapshot, mapping, item, 1_000_000)
            ranged = await read_range(pool, held.snapshot, mapping, item, 1_000_000)
            assert streamed is not None
            assert sorted(ids_of(streamed)) == sorted(ids_of(ranged))


def ids_of(rows: SourceRows) -> list[bytes]:
    """The id of each row, whatever number it got among equal ones."""
    return [line.rpartition(b",")[2] for line in b"".join(rows.chunks).splitlines()]


async def test_a_query_that_costs_as_much_for_a_part_is_read_in_one_go(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute(TABLE.format(rows=20_000, step=1))
    held = await holder.take(uuid4())
    options = RunOptions(batch_rows=1000)
    streamed = await cut_mapping(pool, held.snapshot, KEYS["window"], 20_000, options)
    assert [item.first_row for item in streamed] == list(range(0, 20_000, 1000))
    ranged = await cut_mapping(pool, held.snapshot, KEYS["integer"], 20_000, options)
    assert {item.first_row for item in ranged} == {None}
