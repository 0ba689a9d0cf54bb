"""Constraints that are off while a run loads are back before it ends, as they were, whatever happened between."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from services.loader.finish import finish_run
from services.loader.rebuilding import rebuild_after_end, rebuild_constraints
from shared.core.errors import RunError
from shared.core.states import RunState
from shared.ledger.suspending import Suspension, suspend_constraints
from shared.messages import FinishRun
from shared.postgres.identifiers import Identifier
from shared.runtime.failpoints import Action, FailpointReached, armed
from tests.ledgers.ledger import batches
from tests.loading.target import Body, Target, batch, keys, program, reference

HOSTILE = 'visits "of"; drop table people; --'
TABLES = """
create table people (id uuid primary key, email text unique, name text);
create table :visits (
    id uuid primary key,
    person uuid constraint "to whom?" references people (id)
        on update cascade on delete set null deferrable initially deferred,
    other uuid constraint other_fk references people (id),
    loose uuid,
    number integer check (number > 0), span int4range, exclude using gist (span with &&));
alter table :visits enable row level security;
alter table :visits add constraint loose_fk foreign key (loose) references people (id) not valid;
create index "by 'person'" on :visits (person) with (fillfactor = 71);
create index by_number on :visits (number desc nulls last, lower(id::text)) include (other) where number <> 7;
create unique index once on :visits (number);
create index on people using hash (name);
comment on index "by 'person'" is 'it''s used';
comment on constraint "to whom?" on :visits is 'a person';
alter table :visits cluster on "by 'person'";
alter index by_number alter column 2 set statistics 321;
insert into transfuse.target_schema values ('public');
""".replace(":visits", str(Identifier(HOSTILE)))
STATE = """
select 'constraint', k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint'),
       k.convalidated::text, '', ''
  from pg_constraint k join pg_class c on c.oid = k.conrelid where c.relnamespace = 'public'::regnamespace
union all
select 'index', i.indexname, i.indexdef, obj_description(x.indexrelid, 'pg_class'),
       x.indisclustered::text || x.indisvalid::text, coalesce(i.tablespace, ''),
       (select string_agg(a.attnum || ':' || a.attstattarget, ',' order by a.attnum)
          from pg_attribute a where a.attrelid = x.indexrelid)
  from pg_indexes i join pg_index x on x.indexrelid = format('%I.%I', i.schemaname, i.indexname)::regclass
 where i.schemaname = 'public'
union all
select 'trigger', c.relname, t.tgenabled::text, t.tgfoid::regproc::text, '', '', ''
  from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'public'::regnamespace
union all
select 'table', c.relname, c.relrowsecurity::text, c.relforcerowsecurity::text, c.relreplident::text, '', ''
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
order by 1, 2, 3, 4
"""
PEOPLE = program("people", ("id", "email"))
VISITS = program(HOSTILE, ("id", "person", "number"), references=(reference("person", "people", "people"),))
PERSON = "select md5('person ' || g)::uuid, 'p' || g from generate_series(1, 10) g"
VISIT = "select md5('row ' || g)::uuid, md5('person ' || {person})::uuid, g from generate_series(1, 10) g"
STEPS = (
    *(
        "loader.constraints_released",
        "loader.index_rebuilt",
        "loader.foreign_key_added",
        "loader.foreign_key_validated",
    ),
    "loader.finish_before_balance",
)


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute("delete from transfuse.suspended_constraint; delete from transfuse.constraint_hold")
    await target.connection.execute(TABLES)
    return target


async def state(ground: Target) -> list[tuple[str, ...]]:
    """All constraints, indexes, triggers and tables with whatever was said of them."""
    return [tuple(row) for row in await ground.connection.fetch(STATE)]


async def suspending(ground: Target, migration: str = "clinic") -> UUID:
    """A run that has switched constraints off, before its first batch."""
    run = await planned(ground, migration)
    async with ground.ledger.pool.acquire() as connection, connection.transaction():
        assert await suspend_constraints(connection, run) is Suspension.DONE
    return run


async def planned(ground: Target, migration: str = "clinic") -> UUID:
    run = await ground.run({"people": PEOPLE, "visits": VISITS}, migration=migration)
    await ground.connection.execute(
        """update transfuse.run set options = '{"suspend_constraints": true}' where id = $1""", run
    )
    await ground.connection.execute(
        """update transfuse.run_mapping
              set key_column = 'id', found_columns = case mapping when 'visits' then '{person}'::text[] else '{}' end
            where run_id = $1""",
        run,
    )
    return run


async def loaded(ground: Target, run: UUID, person: str = "g") -> None:
    await ground.load(batch(run, "people"), Body(select=PERSON))
    await ground.load(batch(run, "visits"), Body(select=VISIT.format(person=person)))
    await ground.connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)


async def names(ground: Target) -> set[str]:
    rows = await ground.connection.fetch("select name from transfuse.suspended_constraint")
    return {row["name"] for row in rows}


async def test_what_decides_no_row_is_off_and_comes_back_byte_for_byte(ground: Target) -> None:
    before = await state(ground)
    run = await suspending(ground)
    assert await names(ground) == {"to whom?", "by 'person'", "by_number", "people_name_idx"}
    there = {row[1] for row in await state(ground)}
    assert not there & await names(ground)
    assert {"other_fk", "loose_fk", "once", "people_email_key"} <= there
    await loaded(ground, run)
    changed = await finish_run(ground.ledger.pool, run, ground.loader.runs)
    assert changed is not None
    assert (changed.state, changed.reason) == (RunState.COMPLETED, "")
    assert await state(ground) == before
    assert await names(ground) == set()
    assert await ground.connection.fetchval("select count(*) from transfuse.constraint_hold") == 0


async def test_a_row_without_its_parent_is_found_though_no_foreign_key_is_there(ground: Target) -> None:
    run = await suspending(ground)
    await loaded(ground, run, person="(g + 3)")
    assert await ground.reasons(run) == {("missing_parent", "person", ""): 3}
    assert set((await ground.manifest(batch(run, "visits")))["written"]) == keys(range(1, 8))
    assert await rebuild_constraints(ground.ledger.pool, run) == ()
    assert await names(ground) == set()


async def test_switching_off_is_repeatable_and_waits_for_whoever_uses_a_table(ground: Target) -> None:
    run = await planned(ground)
    await ground.connection.execute("update transfuse.batch set state = 'planned' where run_id = $1", run)
    reader = await asyncpg.connect(ground.ledger.address.url.reveal())
    try:
        await reader.execute("begin; select from people limit 0")
        await ground.connection.execute("set lock_timeout = 0")
        assert not batches(await ground.ledger.dispatch().tick())
        assert await names(ground) == set()
        await reader.execute("rollback")
    finally:
        await reader.close()
    assert batches(await ground.ledger.dispatch().tick())
    off = await names(ground)
    assert off
    async with ground.ledger.pool.acquire() as connection, connection.transaction():
        assert await suspend_constraints(connection, run) is Suspension.DONE
    assert await names(ground) == off


@pytest.mark.parametrize("step", STEPS)
async def test_a_finish_that_was_cut_at_any_step_is_made_again(ground: Target, step: str) -> None:
    before = await state(ground)
    run = await suspending(ground)
    await loaded(ground, run)
    with armed(step, Action.RAISE), pytest.raises(FailpointReached):
        await finish_run(ground.ledger.pool, run, ground.loader.runs)
    changed = await finish_run(ground.ledger.pool, run, ground.loader.runs)
    assert changed is not None
    assert changed.state is RunState.COMPLETED
    assert await state(ground) == before


@pytest.mark.parametrize("ended", ("cancelled", "failed"))
async def test_what_a_run_left_off_when_it_ended_is_asked_for_and_comes_back(ground: Target, ended: str) -> None:
    before = await state(ground)
    run = await suspending(ground)
    await ground.load(batch(run, "people"), Body(select=PERSON))
    await ground.connection.execute("update transfuse.run set state = $2 where id = $1", run, ended)
    turn = await ground.ledger.dispatch().tick()
    assert turn.commands == (FinishRun(run=run),)
    assert (await ground.ledger.dispatch().tick()).commands == ()
    assert await rebuild_after_end(ground.ledger.pool, run)
    assert await state(ground) == before
    assert (await ground.ledger.runs.get(run)).warnings == ()
    await ground.connection.execute("update transfuse.constraint_hold set issued_at = null")
    assert (await ground.ledger.dispatch().tick()).commands == ()


async def test_a_run_that_goes_on_is_not_put_back_by_a_late_command(ground: Target) -> None:
    run = await suspending(ground)
    assert not await rebuild_after_end(ground.ledger.pool, run)
    assert await names(ground)
    assert await finish_run(ground.ledger.pool, run, ground.loader.runs) is None
    assert await names(ground)


async def test_rows_of_others_without_a_parent_fail_the_run_and_the_definition_stays_kept(ground: Target) -> None:
    before = await state(ground)
    run = await suspending(ground)
    await ground.connection.execute(
        f"insert into {Identifier(HOSTILE)} (id, person, number) values (md5('x')::uuid, md5('nobody')::uuid, 99)"  # noqa: S608
    )
    await loaded(ground, run)
    with pytest.raises(RunError) as refused:
        await finish_run(ground.ledger.pool, run, ground.loader.runs)
    assert refused.value.code == "constraints_left_off"
    assert "foreign key to whom? of public." in str(refused.value)
    assert "rows of the table have no parent" in str(refused.value)
    assert refused.value.remedy
    assert await names(ground) == {"to whom?"}
    # New rows are held to it all the same.
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await ground.connection.execute(
            f"insert into {Identifier(HOSTILE)} (id, person, number) values (md5('y')::uuid, md5('nobody')::uuid, 98)"  # noqa: S608
        )
    await ground.connection.execute("update transfuse.run set state = 'failed' where id = $1", run)
    await rebuild_after_end(ground.ledger.pool, run)
    (warning,) = (await ground.ledger.runs.get(run)).warnings
    assert warning.code == "constraint_left_off"
    await ground.connection.execute(f"delete from {Identifier(HOSTILE)} where number = 99")  # noqa: S608
    await rebuild_after_end(ground.ledger.pool, run)
    assert (await ground.ledger.runs.get(run)).warnings == ()
    assert await state(ground) == before


async def test_of_two_runs_on_one_table_the_last_one_puts_back(ground: Target) -> None:
    before = await state(ground)
    first = await suspending(ground)
    second = await suspending(ground, migration="other")  # which ends the first one
    assert await rebuild_after_end(ground.ledger.pool, first)
    assert await names(ground)
    assert {warning.code for warning in (await ground.ledger.runs.get(first)).warnings} == {"constraint_left_off"}
    await ground.connection.execute("update transfuse.run set state = 'cancelled' where id = $1", second)
    assert await rebuild_after_end(ground.ledger.pool, second)
    assert await state(ground) == before


async def test_a_definition_is_not_forgotten_when_a_later_run_switches_off_what_came_back_unvalidated(
    ground: Target,
) -> None:
    before = await state(ground)
    run = await suspending(ground)
    await ground.connection.execute("update transfuse.run set state = 'failed' where id = $1", run)
    with armed("loader.foreign_key_added", Action.RAISE), pytest.raises(FailpointReached):
        await rebuild_after_end(ground.ledger.pool, run)
    again = await suspending(ground)
    await ground.connection.execute("update transfuse.run set state = 'cancelled' where id = $1", again)
    await rebuild_after_end(ground.ledger.pool, again)
    assert await state(ground) == before


async def test_what_somebody_made_by_hand_meanwhile_is_taken_where_it_is_the_same(ground: Target) -> None:
    before = await state(ground)
    run = await suspending(ground)
    await ground.connection.execute("create index people_name_idx on people using hash (name)")
    await ground.connection.execute("create index by_number on people (name)")
    with pytest.raises(RunError, match="another index has its name"):
        await rebuild_constraints(ground.ledger.pool, run)
    assert await names(ground) == {"by_number"}
    await ground.connection.execute("drop index by_number")
    assert await rebuild_constraints(ground.ledger.pool, run) == ()
    assert await state(ground) == before


async def test_a_table_that_was_dropped_has_nothing_to_be_put_back(ground: Target) -> None:
    run = await suspending(ground)
    await ground.connection.execute(f"drop table {Identifier(HOSTILE)}")
    assert await rebuild_constraints(ground.ledger.pool, run) == ()
    assert await names(ground) == set()


async def test_row_security_that_was_switched_off_meanwhile_is_told(ground: Target) -> None:
    run = await suspending(ground)
    await ground.connection.execute(f"alter table {Identifier(HOSTILE)} disable row level security")
    with pytest.raises(RunError) as refused:
        await rebuild_constraints(ground.ledger.pool, run)
    assert refused.value.code == "row_security_changed"
    await ground.connection.execute(f"alter table {Identifier(HOSTILE)} enable row level security")
    assert await rebuild_constraints(ground.ledger.pool, run) == ()


async def test_a_partitioned_table_is_refused_before_a_row_moves(ground: Target) -> None:
    await ground.connection.execute(
        f"drop table {Identifier(HOSTILE)}; "
        f"create table {Identifier(HOSTILE)} (id uuid, number integer) partition by range (number)"
    )
    before = await state(ground)
    run = await planned(ground)
    await ground.connection.execute("update transfuse.batch set state = 'planned' where run_id = $1", run)
    assert not batches(await ground.ledger.dispatch().tick())
    found = await ground.ledger.runs.get(run)
    assert (found.state, found.reason) == (RunState.FAILED, "constraints_not_suspended")
    assert found.remedy
    assert await state(ground) == before


async def test_a_run_that_does_not_ask_for_it_leaves_everything_in_force(ground: Target) -> None:
    before = await state(ground)
    run = await planned(ground)
    await ground.connection.execute(
        "update transfuse.run set options = '{}'; update transfuse.batch set state = 'planned'"
    )
    assert batches(await ground.ledger.dispatch().tick())
    assert await state(ground) == before
    assert not await ground.connection.fetchval("select transfuse.wants_suspension($1)", run)
