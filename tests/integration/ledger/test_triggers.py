"""Triggers of the target that a plan wants off, and statistics of mapped tables."""

from __future__ import annotations

import pytest

from shared.core.errors import RunError
from shared.ledger.reports import fail_run
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

TARGET = """
    create table public.patients (id integer primary key, touched timestamptz);
    create table public."Odd ""table" (id integer primary key references public.patients (id));
    create function public.touch() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger touch_updated_at before insert on public.patients for each row execute function public.touch();
    create trigger "Keep; me" before insert on public.patients for each row execute function public.touch();
    create trigger always_on before insert on public."Odd ""table" for each row execute function public.touch();
    alter table public."Odd ""table" enable always trigger always_on;
    create schema elsewhere;
    create table if not exists elsewhere.private (id integer);
    create or replace trigger touch_updated_at before insert on elsewhere.private
        for each row execute function public.touch();
    insert into transfuse.target_schema values ('public')
"""
PATIENTS = PlannedMapping(name="patients", table="patients", triggers_off=("touch_updated_at",))
ODD = PlannedMapping(name="odd", table='Odd "table', triggers_off=("always_on",))


@pytest.fixture
async def target(ledger: Ledger) -> Ledger:
    """A ledger beside target tables with triggers."""
    await ledger.connection.execute("drop schema if exists elsewhere cascade")
    await ledger.connection.execute(TARGET)
    return ledger


async def enabled(ledger: Ledger) -> dict[str, str]:
    rows = await ledger.connection.fetch(
        """select c.relname || '.' || t.tgname as name, t.tgenabled as enabled
             from pg_trigger t join pg_class c on c.oid = t.tgrelid
            where not t.tgisinternal and c.relnamespace <> 'transfuse'::regnamespace"""
    )
    return {row["name"]: row["enabled"].decode() for row in rows}


BEFORE = {
    "patients.touch_updated_at": "O",
    "patients.Keep; me": "O",
    'Odd "table.always_on': "A",
    "private.touch_updated_at": "O",
}


async def test_triggers_are_off_while_their_mapping_loads_and_as_before_when_the_run_has_ended(target: Ledger) -> None:
    run = await target.running(PATIENTS, ODD)
    dispatch = target.dispatch()
    await dispatch.tick()
    assert await enabled(target) == {**BEFORE, "patients.touch_updated_at": "D", 'Odd "table.always_on': "D"}
    await target.runs.cancel(run, actor="tester")
    await dispatch.tick()
    assert await enabled(target) == BEFORE
    assert await target.connection.fetchval("select count(*) from transfuse.suspended_trigger") == 0


async def test_a_resumed_run_switches_them_off_again(target: Ledger) -> None:
    run = await target.running(PATIENTS)
    dispatch = target.dispatch()
    await dispatch.tick()
    await fail_run(target.connection, run, RunError("Our bug."))
    await dispatch.tick()
    assert await enabled(target) == BEFORE
    await target.runs.resume(run, actor="tester")
    await target.connection.execute("update transfuse.run set state = 'running'")
    assert batches(await dispatch.tick())
    assert (await enabled(target))["patients.touch_updated_at"] == "D"


async def test_two_runs_on_one_table_restore_what_was_before_the_first(target: Ledger) -> None:
    one = await target.running(PATIENTS, migration="one")
    two = await target.running(PATIENTS, migration="two")
    dispatch = target.dispatch()
    await dispatch.tick()
    await target.runs.cancel(one, actor="tester")
    await dispatch.tick()
    assert (await enabled(target))["patients.touch_updated_at"] == "D"
    await target.runs.cancel(two, actor="tester")
    await dispatch.tick()
    assert await enabled(target) == BEFORE


async def test_a_mapping_waits_until_its_table_is_free_and_others_go_on(target: Ledger) -> None:
    run = await target.running(PATIENTS, PlannedMapping(name="offices"))
    dispatch = target.dispatch()
    async with target.pool.acquire() as user, user.transaction():
        await user.execute("lock table public.patients in row exclusive mode")
        assert [ref.mapping for ref in batches(await dispatch.tick())] == ["offices"]
        assert (await target.mapping_states(run))["patients"] == "planned"
    assert [ref.mapping for ref in batches(await dispatch.tick())] == ["patients"]


async def test_only_mapped_tables_of_schemas_given_to_the_loader_are_touched(target: Ledger) -> None:
    run = await target.running(PATIENTS, PlannedMapping(name="odd", table='Odd "table'))
    await target.connection.execute(
        """update transfuse.run_mapping set target_schema = 'elsewhere', target_table = 'private'
            where mapping = 'patients'"""
    )
    connection = target.connection
    assert await connection.fetchval("select transfuse.suspend_triggers($1, 'patients')", run) == 0
    assert not await connection.fetchval("select transfuse.analyze_target($1, 'patients')", run)
    assert not await connection.fetchval("select transfuse.analyze_target($1, 'no mapping')", run)
    assert await enabled(target) == BEFORE
    await connection.execute('insert into public.patients values (1); insert into public."Odd ""table" values (1)')
    assert await connection.fetchval("select transfuse.analyze_target($1, 'odd')", run)
    analyzed = await connection.fetchval(
        """select reltuples from pg_class where oid = 'public."Odd ""table"'::regclass"""
    )
    assert analyzed == 1


async def test_a_foreign_key_is_never_switched_off(target: Ledger) -> None:
    internal = await target.connection.fetchval("select tgname from pg_trigger where tgisinternal limit 1")
    run = await target.running(PlannedMapping(name="odd", table='Odd "table', triggers_off=(internal,)))
    assert await target.connection.fetchval("select transfuse.suspend_triggers($1, 'odd')", run) == 0
