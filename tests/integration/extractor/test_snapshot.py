from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from services.extractor.snapshot import Held, Snapshot, SnapshotHolder, reading
from shared.core.errors import SnapshotLost, WorldError
from shared.postgres.connect_errors import DatabaseUnreachable
from shared.postgres.pools import Pool
from shared.settings import PostgresAddress

COUNT = "select count(*) from public.t"


@pytest.fixture
async def held(legacy: asyncpg.Connection, holder: SnapshotHolder) -> Held:
    await legacy.execute("create table t (i integer); insert into t select generate_series(1, 10)")
    return await holder.take(RUN)


RUN = uuid4()


async def count(pool: Pool, snapshot: Snapshot) -> int:
    async with reading(pool, snapshot, "public", "counting") as connection:
        return int(await connection.fetchval(COUNT))


async def count_until_lost(pool: Pool, snapshot: Snapshot) -> None:
    """The server notices a closed connection a moment later."""
    while True:
        await count(pool, snapshot)


async def wanted(_run: UUID, _snapshot: Snapshot) -> bool:
    return True


async def test_every_reader_sees_the_same_rows_whatever_is_written(
    legacy: asyncpg.Connection, pool: Pool, held: Held
) -> None:
    await legacy.execute("delete from t where i > 5; insert into t values (100)")
    assert await asyncio.gather(*(count(pool, held.snapshot) for _ in range(4))) == [10, 10, 10, 10]
    assert await legacy.fetchval(COUNT) == 6


async def test_a_reader_can_write_nothing_and_finds_the_schema_first(pool: Pool, held: Held) -> None:
    with pytest.raises(Exception, match="SQLSTATE 25006"):
        async with reading(pool, held.snapshot, "public", "counting") as connection:
            await connection.execute("insert into t values (1)")
    async with reading(pool, held.snapshot, "public", "counting") as connection:
        assert await connection.fetchval("show search_path") == "public"


async def test_a_reader_leaves_nothing_behind(pool: Pool, held: Held) -> None:
    with pytest.raises(ZeroDivisionError):
        async with reading(pool, held.snapshot, "public", "counting"):
            raise ZeroDivisionError
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("show search_path") == "pg_catalog"


async def test_a_snapshot_without_its_holder_is_lost(pool: Pool, held: Held, legacy: asyncpg.Connection) -> None:
    await legacy.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and state = 'idle in transaction'"
    )
    with pytest.raises(SnapshotLost):
        await count(pool, held.snapshot)


async def test_a_released_snapshot_is_lost(pool: Pool, held: Held, holder: SnapshotHolder) -> None:
    holder.release(RUN)
    with pytest.raises(SnapshotLost):
        await count_until_lost(pool, held.snapshot)


async def test_another_snapshot_of_the_same_name_is_not_taken_for_the_runs(pool: Pool, held: Held) -> None:
    with pytest.raises(SnapshotLost):
        await count(pool, msgspec.structs.replace(held.snapshot, digest="0" * 32))


@pytest.mark.parametrize("text", (None, "", "x'; drop table t --"))
async def test_a_run_without_a_snapshot_has_lost_it(text: str | None) -> None:
    with pytest.raises(SnapshotLost):
        Snapshot.from_text(text)


async def test_a_snapshot_survives_the_ledgers_text(held: Held) -> None:
    assert Snapshot.from_text(held.snapshot.text) == held.snapshot


async def test_a_beat_reports_a_holder_that_died(
    legacy: asyncpg.Connection, held: Held, holder: SnapshotHolder
) -> None:
    lost = []

    async def on_lost(run: UUID, snapshot: Snapshot) -> None:
        lost.append((run, snapshot))

    await holder.beat(wanted, on_lost)
    assert lost == []
    await legacy.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and state = 'idle in transaction'"
    )
    await holder.beat(wanted, on_lost)
    assert lost == [(RUN, held.snapshot)]
    assert holder.held(RUN) is None


async def test_a_beat_lets_go_of_what_nobody_wants_and_waits_for_the_ledger(held: Held, holder: SnapshotHolder) -> None:
    async def unknown(_run: UUID, _snapshot: Snapshot) -> bool:
        raise WorldError("the ledger is away")

    async def unwanted(_run: UUID, _snapshot: Snapshot) -> bool:
        return False

    async def on_lost(_run: UUID, _snapshot: Snapshot) -> None:
        raise AssertionError

    await holder.beat(unknown, on_lost)
    assert holder.held(RUN) == held
    await holder.beat(unwanted, on_lost)
    assert holder.held(RUN) is None


async def test_a_legacy_database_that_is_away_is_the_worlds_fault() -> None:
    holder = SnapshotHolder(PostgresAddress(host="127.0.0.1", port=1, database="d", user="u"))
    with pytest.raises(DatabaseUnreachable):
        await holder.take(RUN)
