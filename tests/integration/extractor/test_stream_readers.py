"""Readers of one stream that wait for each other: none of them waits for ever."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.extractor.reading import BatchTooLarge, read_range
from services.extractor.snapshot import Held, SnapshotHolder
from services.extractor.streams import MOST_STREAMS, open_streams
from shared.ledger.bounds import BatchBounds
from shared.postgres.pools import Pool, Session, open_pool
from tests.integration.extractor.conftest import address_of, mapping_of

MAPPING = mapping_of("public.wide as t", {"t.id": "integer"}, ("t.a",))
FIRST = BatchBounds(upper=("50",), first_row=0, row_count=50)
SLEEPING = "select exists (select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database())"
SECOND = BatchBounds(lower=("50",), first_row=50, row_count=50)


@pytest.fixture
async def held(legacy: asyncpg.Connection, holder: SnapshotHolder) -> Held:
    await legacy.execute("create table wide (id integer primary key, a text)")
    await legacy.execute("insert into wide select g, repeat('x', 30000) from generate_series(1, 100) g")
    return await holder.take(uuid4())


async def test_a_reader_whose_stream_ends_under_it_reads_its_range_instead(pool: Pool, held: Held) -> None:
    run = uuid4()
    async with asyncio.timeout(20), open_streams(pool) as streams:
        first = asyncio.create_task(streams.read(run, held.snapshot, MAPPING, FIRST, 20_000), name="first")
        second = asyncio.create_task(streams.read(run, held.snapshot, MAPPING, SECOND, 10_000_000), name="second")
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(outcomes[0], BatchTooLarge)
    assert outcomes[1] is None


async def test_a_stream_that_somebody_waits_for_is_not_idle(pool: Pool, held: Held, legacy: asyncpg.Connection) -> None:
    slow = mapping_of("(select t.id, t.a, pg_sleep(0.01) from public.wide t) as t", {"t.id": "integer"}, ("t.a",))
    async with asyncio.timeout(20), open_streams(pool) as streams:
        reading = asyncio.create_task(streams.read(uuid4(), held.snapshot, slow, FIRST, 10_000_000), name="reading")
        while not await legacy.fetchval(SLEEPING):  # noqa: ASYNC110 - the server tells no event
            await asyncio.sleep(0)
        streams.drop_idle(0)
        rows = await reading
    assert rows is not None
    assert rows.row_count == 50


async def test_streams_left_by_other_runs_do_not_take_all_connections(legacy_url: str, held: Held) -> None:
    runs: list[UUID] = [uuid4() for _ in range(MOST_STREAMS + 2)]
    session = Session(read_only=True)
    async with (
        asyncio.timeout(20),
        open_pool(address_of(legacy_url), "legacy", session, most=MOST_STREAMS + 1) as pool,
        open_streams(pool) as streams,
    ):
        for run in runs:
            rows = await streams.read(run, held.snapshot, MAPPING, FIRST, 10_000_000)
            assert rows is not None
            ranged = await read_range(pool, held.snapshot, MAPPING, FIRST, 10_000_000)
            assert b"".join(rows.chunks) == b"".join(ranged.chunks)
