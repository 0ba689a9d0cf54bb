from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from services.extractor.reading import BatchTooLarge, SourceRows, check_rows, middle_key, read_range
from services.extractor.snapshot import Held, SnapshotHolder
from services.extractor.streams import open_streams
from shared.core.errors import RunError
from shared.ledger.bounds import BatchBounds
from shared.postgres.pools import Pool
from tests.integration.extractor.conftest import mapping_of

OPEN = BatchBounds()
MAPPING = mapping_of("public.t as t", {"t.id": "integer"}, ("t.a",))
RUN = uuid4()


@pytest.fixture
async def held(legacy: asyncpg.Connection, holder: SnapshotHolder) -> Held:
    await legacy.execute("create table t (id integer primary key, a text)")
    await legacy.execute("""insert into t select g, case when g % 4 = 0 then null when g % 4 = 1 then ''
        when g % 4 = 2 then E'a\\n"b"\\r\\n\\\\.,' || g else repeat('ü', 3000) end from generate_series(1, 100) g""")
    return await holder.take(RUN)


def text_of(rows: SourceRows | None) -> bytes:
    assert rows is not None
    return b"".join(rows.chunks)


async def test_null_and_empty_text_stay_apart_and_lines_stay_whole(pool: Pool, held: Held) -> None:
    rows = await read_range(pool, held.snapshot, MAPPING, BatchBounds(lower=("3",), upper=("6",)), 100_000)
    assert text_of(rows) == b'4,\n5,""\n6,"a\n""b""\r\n\\.,6"\n'
    check_rows(rows, "m")


async def test_an_empty_range_is_an_empty_text(pool: Pool, held: Held) -> None:
    rows = await read_range(pool, held.snapshot, MAPPING, BatchBounds(lower=("1000",)), 100_000)
    assert rows == SourceRows(chunks=(), row_count=0)


async def test_a_text_with_another_number_of_rows_stops_the_run() -> None:
    with pytest.raises(RunError, match="says 3 rows and gave 2"):
        check_rows(SourceRows(chunks=(b"1\n2\n",), row_count=3), "m")


async def test_a_batch_that_is_too_large_is_given_up_and_parted_in_the_middle(pool: Pool, held: Held) -> None:
    with pytest.raises(BatchTooLarge):
        await read_range(pool, held.snapshot, MAPPING, OPEN, 20_000)
    middle = await middle_key(pool, held.snapshot, MAPPING, OPEN)
    assert middle == ("50",)
    lower = await read_range(pool, held.snapshot, MAPPING, BatchBounds(upper=middle), 1_000_000)
    upper = await read_range(pool, held.snapshot, MAPPING, BatchBounds(lower=middle), 1_000_000)
    assert (lower.row_count, upper.row_count) == (50, 50)


async def test_a_single_row_is_not_parted(pool: Pool, held: Held) -> None:
    assert await middle_key(pool, held.snapshot, MAPPING, BatchBounds(lower=("7",), upper=("8",))) is None


async def test_equal_rows_are_not_parted_and_others_are(pool: Pool, held: Held) -> None:
    content = mapping_of("public.t as t", {"1": "bigint"}, ("t.a",), cut_key={"(t.id / 40)::text": "text"})
    assert await middle_key(pool, held.snapshot, content, OPEN) == ("1",)
    assert await middle_key(pool, held.snapshot, content, BatchBounds(lower=("0",), upper=("1",))) is None


async def test_a_stream_gives_the_same_rows_as_ranges_in_any_order_of_asking(pool: Pool, held: Held) -> None:
    batches = [
        BatchBounds(lower=None if n == 0 else (str(n * 7),), upper=None if n == 14 else (str(n * 7 + 7),),
                    first_row=n * 7, row_count=min(7, 100 - n * 7))
        for n in range(15)
    ]  # fmt: skip
    async with open_streams(pool) as streams:
        for place in (0, 1, 2, 5, 3, 6, 7, 14):
            bounds = batches[place]
            ranged = await read_range(pool, held.snapshot, MAPPING, bounds, 1_000_000)
            streamed = await streams.read(RUN, held.snapshot, MAPPING, bounds, 1_000_000)
            if place == 3:
                assert streamed is None
            else:
                assert text_of(streamed) == text_of(ranged)
                assert streamed is not None
                assert streamed.row_count == ranged.row_count


async def test_a_batch_that_was_not_counted_is_not_streamed(pool: Pool, held: Held) -> None:
    async with open_streams(pool) as streams:
        assert await streams.read(RUN, held.snapshot, MAPPING, OPEN, 1_000_000) is None


async def test_a_stream_that_gave_too_much_starts_anew(pool: Pool, held: Held) -> None:
    bounds = BatchBounds(upper=("50",), first_row=0, row_count=50)
    async with open_streams(pool) as streams:
        with pytest.raises(BatchTooLarge):
            await streams.read(RUN, held.snapshot, MAPPING, bounds, 20_000)
        assert await streams.read(RUN, held.snapshot, MAPPING, bounds, 1_000_000) is not None


@pytest.mark.parametrize(("rows", "words"), ((99, "more rows"), (101, "fewer rows")))
async def test_a_stream_with_another_number_of_rows_stops_the_run(
    pool: Pool, held: Held, rows: int, words: str
) -> None:
    async with open_streams(pool) as streams:
        with pytest.raises(RunError, match=words):
            await streams.read(RUN, held.snapshot, MAPPING, BatchBounds(first_row=0, row_count=rows), 1_000_000)


async def test_a_stream_hands_its_error_to_the_reader_and_is_made_again(pool: Pool, held: Held) -> None:
    broken = mapping_of("public.t as t", {"t.id": "integer"}, ("1 / (t.id - 60)",))
    async with open_streams(pool) as streams:
        for _ in range(2):
            with pytest.raises(RunError, match="SQLSTATE 22012"):
                await streams.read(RUN, held.snapshot, broken, BatchBounds(first_row=0, row_count=100), 1_000_000)


async def test_streams_end_with_their_context_and_when_nobody_reads(
    legacy: asyncpg.Connection, pool: Pool, holder: SnapshotHolder
) -> None:
    await legacy.execute("create table wide as select g as id, repeat('x', 10000) as a from generate_series(1, 2000) g")
    wide = mapping_of("public.wide as t", {"t.id": "integer"}, ("t.a",))
    later = (await holder.take(RUN)).snapshot
    async with open_streams(pool) as streams:
        await streams.read(RUN, later, wide, BatchBounds(upper=("1",), first_row=0, row_count=1), 1_000_000)
        streams.drop_idle(3600)
        assert len(streams._streams) == 1
        streams.drop_idle(-1)
        assert streams._streams == {}
        await streams.read(RUN, later, wide, BatchBounds(upper=("1",), first_row=0, row_count=1), 1_000_000)


async def test_a_stream_that_is_dropped_at_its_last_piece_leaves_nothing_hanging(pool: Pool, held: Held) -> None:
    async with open_streams(pool) as streams:
        bounds = BatchBounds(upper=("1",), first_row=0, row_count=1)
        await streams.read(RUN, held.snapshot, MAPPING, bounds, 1_000_000)
    await pool.probe()
