"""What could keep a run, or its neighbours, waiting for ever."""

from __future__ import annotations

import pytest

from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.crypto.envelope import RunKey
from shared.ledger.batches import split_batch
from shared.ledger.bounds import BatchBounds
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

HALVES = (BatchBounds(upper=("5",)), BatchBounds(lower=("5",)))


async def test_paused_runs_whose_messages_are_lost_leave_room_for_others(ledger: Ledger) -> None:
    dispatch = ledger.dispatch(window=4, total_window=4)
    paused = await ledger.running(PlannedMapping(name="patients", batches=4), migration="paused")
    assert len(batches(await dispatch.tick())) == 4
    await ledger.runs.pause(paused, actor="tester")
    await ledger.running(PlannedMapping(name="doctors", batches=2), migration="other")
    assert [ref.mapping for ref in batches(await dispatch.tick())] == ["doctors", "doctors"]


async def test_a_batch_that_no_number_is_left_to_split_stops_its_run(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2, in_seq_order=True))
    await ledger.dispatch().tick()
    ref = BatchRef(run=run, mapping="patients", seq=1, generation=1)
    async with ledger.pool.acquire() as connection:
        with pytest.raises(RunError, match="patients"):
            await split_batch(connection, ref, RunKey.generate(), HALVES, in_seq_order=True)


async def test_triggers_of_a_run_that_was_resumed_meanwhile_stay_off(ledger: Ledger) -> None:
    from shared.ledger.dispatch import SQL  # noqa: PLC0415 - the statement alone is what a late dispatcher runs

    await ledger.connection.execute(
        """insert into transfuse.target_schema values ('public') on conflict do nothing;
           create table people (id uuid primary key);
           create function noted() returns trigger language plpgsql as 'begin return new; end';
           create trigger noted before insert on people for each row execute function noted()"""
    )
    run = await ledger.running(PlannedMapping(name="people", table="people", triggers_off=("noted",)))
    await ledger.dispatch().tick()
    await ledger.connection.execute(SQL["restore_triggers"], run)
    assert await ledger.connection.fetchval("select tgenabled from pg_trigger where tgname = 'noted'") == b"D"
