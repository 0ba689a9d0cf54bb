"""Whatever interrupts a batch leaves nothing of it, and the next attempt settles it."""

from __future__ import annotations

import asyncio

import pytest

from shared.core.counts import Counts
from shared.core.errors import RunError, WorldError
from shared.ledger.settling import Claim
from shared.runtime.failpoints import Action, FailpointReached, armed
from shared.telemetry.failure import describe
from tests.loading.target import Body, Target, batch, program

ROWS = program("rows", ("id", "name"))
SELECT = "select md5('row ' || g)::uuid, 'Xq7Canary' || g from generate_series(1, 200) g"
# The hundredth row waits for a lock that the test holds.
TABLES = """
create table rows (id uuid primary key, name text unique);
create function wait() returns trigger language plpgsql as $$
begin
    if new.name = 'Xq7Canary100' then perform pg_advisory_xact_lock(7); end if;
    return new;
end $$;
create trigger wait before insert on rows for each row execute function wait();
"""


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


async def nothing_is_left(ground: Target) -> bool:
    found: bool = await ground.connection.fetchval(
        """select not exists (select from rows) and not exists (select from transfuse.manifest)
              and not exists (select from transfuse.quarantine)
              and not exists (select from transfuse.batch where state = 'settled')"""
    )
    return found


async def waiting_loader(ground: Target) -> int:
    """The backend that waits for the test's lock in the middle of its rows."""
    while True:
        pid: int | None = await ground.connection.fetchval(
            """select pid from pg_locks where locktype = 'advisory' and not granted
                  and database = (select oid from pg_database where datname = current_database())"""
        )
        if pid is not None:
            return pid


async def test_a_connection_that_is_killed_in_the_middle_of_copy_leaves_nothing(ground: Target) -> None:
    run = await ground.run({"rows": ROWS})
    message = await ground.message(batch(run, "rows"), Body(select=SELECT))
    await ground.connection.execute("select pg_advisory_lock(7)")
    loading = asyncio.create_task(ground.loader.load(message))
    await ground.connection.execute("select pg_terminate_backend($1)", await waiting_loader(ground))
    with pytest.raises(WorldError) as told:
        await loading
    assert "Xq7Canary" not in str(told.value)
    await ground.connection.execute("select pg_advisory_unlock(7)")
    assert await nothing_is_left(ground)
    assert (await ground.loader.load(message)).counts == Counts(read=200, loaded=200)


async def test_a_load_that_is_cancelled_in_the_middle_leaves_nothing(ground: Target) -> None:
    run = await ground.run({"rows": ROWS})
    message = await ground.message(batch(run, "rows"), Body(select=SELECT))
    await ground.connection.execute("select pg_advisory_lock(7)")
    loading = asyncio.create_task(ground.loader.load(message))
    await waiting_loader(ground)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    await ground.connection.execute("select pg_advisory_unlock(7)")
    assert await nothing_is_left(ground)
    assert (await ground.loader.load(message)).counts == Counts(read=200, loaded=200)


async def test_while_a_batch_is_being_settled_a_copy_of_it_is_let_go(ground: Target) -> None:
    run = await ground.run({"rows": ROWS})
    message = await ground.message(batch(run, "rows"), Body(select=SELECT))
    await ground.connection.execute("select pg_advisory_lock(7)")
    loading = asyncio.create_task(ground.loader.load(message))
    await waiting_loader(ground)
    assert (await ground.loader.load(message)).claim is Claim.TAKEN
    await ground.connection.execute("select pg_advisory_unlock(7)")
    assert (await loading).claim is Claim.CLAIMED


async def test_a_cancel_waits_for_the_batch_in_flight_and_nothing_commits_after_it(ground: Target) -> None:
    run = await ground.run({"rows": ROWS}, batches=2)
    first = await ground.message(batch(run, "rows"), Body(select=SELECT))
    second = await ground.message(batch(run, "rows", 2), Body(select=SELECT.replace("'row '", "'other '")))
    await ground.connection.execute("select pg_advisory_lock(7)")
    loading = asyncio.create_task(ground.loader.load(first))
    await waiting_loader(ground)
    cancelling = asyncio.create_task(ground.ledger.runs.cancel(run, actor="tester"))
    while await ground.connection.fetchval("select state <> 'cancelling' from transfuse.run"):
        continue
    await ground.connection.execute("select pg_advisory_unlock(7)")
    assert (await loading).claim is Claim.CLAIMED
    await cancelling
    assert (await ground.loader.load(second)).claim is Claim.DROPPED
    assert await ground.connection.fetchval("select count(*) from rows") == 200


@pytest.mark.parametrize("step", ("before_rows", "after_rows", "before_commit"))
async def test_a_failure_before_the_commit_leaves_nothing(ground: Target, step: str) -> None:
    run = await ground.run({"rows": ROWS})
    message = await ground.message(batch(run, "rows"), Body(select=SELECT))
    with armed(f"loader.{step}", Action.RAISE), pytest.raises(FailpointReached):
        await ground.loader.load(message)
    assert await nothing_is_left(ground)
    assert (await ground.loader.load(message)).counts == Counts(read=200, loaded=200)


async def test_a_failure_after_the_commit_changes_nothing(ground: Target) -> None:
    run = await ground.run({"rows": ROWS})
    message = await ground.message(batch(run, "rows"), Body(select=SELECT))
    with armed("loader.after_commit", Action.RAISE), pytest.raises(FailpointReached):
        await ground.loader.load(message)
    assert (await ground.loader.load(message)).claim is Claim.SETTLED
    assert (await ground.counts(batch(run, "rows"))).loaded == 200


async def test_no_error_of_ours_holds_a_value(ground: Target) -> None:
    await ground.connection.execute("alter table rows add check (name not like 'Xq7%')")
    run = await ground.run({"rows": ROWS})
    with pytest.raises(RunError) as told:
        await ground.load(batch(run, "rows"), Body(select=SELECT))
    assert "Xq7Canary" not in "".join((str(told.value), told.value.remedy, told.value.code, str(describe(told.value))))
