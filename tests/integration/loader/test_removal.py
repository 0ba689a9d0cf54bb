"""Rows that the source has no more: what was found is removed or marked, as far as the plan's policies let it go."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.referrers import referrers_of
from services.loader.removal import Removal
from shared.core.counts import Counts
from shared.core.errors import RunError
from shared.core.passes import REMOVAL
from shared.ledger.former import FormerAction, open_former
from shared.ledger.settling import Claim
from shared.plan.compiled import LoadProgram, Mark, ReferringColumn
from shared.plan.model import Changed, Gone
from shared.runtime.failpoints import Action, FailpointReached, armed
from tests.loading.removals import MOMENT, merged, remove, warned
from tests.loading.target import Body, Target, batch, keys, program, reference

PEOPLE = program("people", ("id", "name", "left_at"), gone=Gone.REMOVE)
TABLE = """
create table people (
    id uuid primary key, name text, left_at timestamptz, twice text generated always as (name || name) stored
)
"""


def rows(first: int, last: int) -> Body:
    select = "select md5('row ' || g)::uuid, 'name ' || g, null::timestamptz from generate_series({}, {}) g"
    return Body(select=select.format(first, last))


@pytest.fixture
async def people(target: Target) -> Target:
    await target.connection.execute(TABLE)
    return target


async def loaded(target: Target, last: int, loading: LoadProgram = PEOPLE) -> None:
    """An earlier run that inserted rows 1 to `last`."""
    run = await target.run({"people": loading})
    await target.load(batch(run, "people"), rows(1, last))


async def ids(target: Target, table: str = "people") -> set[UUID]:
    return {row["id"] for row in await target.connection.fetch(f"select id from {table}")}  # noqa: S608 - constants


async def test_rows_that_are_gone_are_removed_and_no_other_row_is_written(people: Target) -> None:
    await loaded(people, 20)
    before = dict(await people.connection.fetch("select id, xmin::text from people"))
    run = await merged(people, {"people": PEOPLE}, {"people": rows(4, 22)})

    assert await remove(people, run, ["people"]) == {"people": Counts(read=3, deleted=3)}

    assert await ids(people) == keys(range(4, 23))
    after = dict(await people.connection.fetch("select id, xmin::text from people"))
    assert all(after[key] == before[key] for key in keys(range(4, 21)))
    found = await people.connection.fetchrow(
        "select cut_complete, driving_rows, from_rows from transfuse.run_mapping where run_id = $1 and pass = 3", run
    )
    assert dict(found or {}) == {"cut_complete": True, "driving_rows": 3, "from_rows": 3}
    assert await warned(people, run) == {}


async def test_what_was_deleted_is_kept_sealed_in_the_form_of_an_undo(people: Target) -> None:
    await loaded(people, 3)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(2, 3)})
    await remove(people, run, ["people"])
    ref = batch(run, "people", 2, pass_number=REMOVAL)
    sealed = await people.connection.fetchval(
        "select former from transfuse.manifest where run_id = $1 and pass = 3 and seq = 2", run
    )
    (former,) = open_former(sealed, people.keys[run], ref)
    assert (former.action, former.columns) == (FormerAction.DELETED, ("id", "name", "left_at"))
    (gone,) = keys([1])
    assert [(row.key, row.texts) for row in former.rows] == [(gone.bytes, (str(gone), "name 1", None))]
    assert await people.manifest(ref) == {
        "written": set(), "updated": set(), "unchanged": set(), "filtered": set(), "quarantined": set(),
    }  # fmt: skip


async def test_a_row_that_is_filtered_now_is_gone_and_one_that_is_refused_is_not(people: Target) -> None:
    await loaded(people, 4)
    (filtered,) = keys([1])
    taken = "select md5('row 2')::uuid, null, null::timestamptz union all " + rows(3, 4).select
    await people.connection.execute("alter table people add check (name is not null)")
    run = await merged(people, {"people": PEOPLE}, {"people": Body(select=taken, filtered=(filtered,))})
    assert await people.connection.fetchval("select count(*) from transfuse.quarantine where run_id = $1", run) == 1
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1, deleted=1)}
    assert await ids(people) == keys([2, 3, 4])


async def test_a_first_run_and_rows_of_others_lose_nothing(people: Target) -> None:
    await people.connection.execute("insert into people (id, name) values (gen_random_uuid(), 'theirs')")
    run = await merged(people, {"people": PEOPLE}, {"people": rows(1, 3)})
    assert await remove(people, run, ["people"]) == {"people": Counts()}
    run = await merged(people, {"people": PEOPLE}, {"people": rows(1, 2)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1, deleted=1)}
    assert await people.connection.fetchval("select count(*) from people where name = 'theirs'") == 1


async def test_an_undone_run_is_no_earlier_run(people: Target) -> None:
    await loaded(people, 3)
    await loaded(people, 9)
    undone = await people.connection.fetchval("select id from transfuse.run order by created_at desc limit 1")
    await people.connection.execute("update transfuse.run set undone_at = now() where id = $1", undone)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(2, 3)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1, deleted=1)}
    assert await ids(people) == keys(range(2, 10))


async def test_a_removal_that_was_cut_short_is_made_up_for_by_the_next_run(people: Target) -> None:
    await loaded(people, 6)
    removed = await merged(people, {"people": PEOPLE}, {"people": rows(2, 6)})
    await remove(people, removed, ["people"])
    await merged(people, {"people": PEOPLE}, {"people": rows(4, 6)})  # nobody works its removal off
    run = await merged(people, {"people": PEOPLE}, {"people": rows(5, 6)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=3, deleted=3)}
    assert await ids(people) == keys([5, 6])


MARKED = program(
    "people",
    ("id", "name", "left_at"),
    gone=Gone.MARK,
    marks=(Mark(column="left_at", value=None), Mark(column="name", value="it's {left}")),
)


async def test_rows_that_are_gone_are_marked_once_and_lose_the_mark_when_they_come_back(people: Target) -> None:
    await loaded(people, 4, MARKED)
    run = await merged(people, {"people": MARKED}, {"people": rows(3, 4)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=2, updated=2)}
    marked = await people.connection.fetch("select id, name, left_at from people where left_at is not null")
    assert {tuple(row) for row in marked} == {(key, "it's {left}", MOMENT) for key in keys([1, 2])}

    again = await merged(people, {"people": MARKED}, {"people": rows(2, 4)})
    assert await people.counts(batch(again, "people")) == Counts(read=3, updated=1, unchanged=2)
    assert await remove(people, again, ["people"]) == {"people": Counts()}
    assert await people.connection.fetchval("select array_agg(name) from people where left_at is not null") == [
        "it's {left}"
    ]
    third = await merged(people, {"people": MARKED}, {"people": rows(3, 4)})
    assert await remove(people, third, ["people"]) == {"people": Counts(read=1, updated=1)}
    assert await warned(people, third) == {}


@pytest.mark.parametrize(
    ("changed", "counts", "left"),
    (
        (Changed.SOURCE_WINS, Counts(read=2, deleted=2), []),
        (Changed.TARGET_WINS, Counts(read=2, deleted=1, unchanged=1), [1]),
        (Changed.QUARANTINE, Counts(read=2, deleted=1, unchanged=1), [1]),
    ),
)
async def test_a_gone_row_that_somebody_changed_goes_where_the_source_wins(
    people: Target, changed: Changed, counts: Counts, left: list[int]
) -> None:
    loading = msgspec.structs.replace(PEOPLE, changed=changed)
    await loaded(people, 4, loading)
    await people.connection.execute("update people set name = 'mended' where name = 'name 1'")
    run = await merged(people, {"people": loading}, {"people": rows(3, 4)})
    assert await remove(people, run, ["people"]) == {"people": counts}
    assert await ids(people) == keys([*left, 3, 4])
    assert await warned(people, run) == {("changed_in_target", ""): 1}
    # What stays is found again by the next run.
    following = await merged(people, {"people": loading}, {"people": rows(3, 4)})
    assert (await remove(people, following, ["people"]))["people"].read == len(left)


TREE = program("nodes", ("id", "parent_id"), gone=Gone.REMOVE, references=(reference("parent_id", "nodes", "nodes"),))
NODES = (
    "select md5('row ' || g)::uuid, case when g > 1 then md5('row ' || g / 2)::uuid end from generate_series(1, 31) g"
)


@pytest.mark.parametrize("rule", ("no action", "restrict", "cascade", "set null"))
async def test_a_tree_goes_from_its_leaves_on_and_what_something_refers_to_stays(
    target: Target, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.loader.removal.BATCH_ROWS", 4)
    await target.connection.execute(
        f"""create table nodes (id uuid primary key, parent_id uuid references nodes on delete {rule});
            create table leaves (id integer primary key, node_id uuid references nodes on delete {rule})"""
    )
    run = await target.run({"nodes": TREE})
    await target.load(batch(run, "nodes"), Body(select=NODES))
    await target.connection.execute("insert into leaves values (1, md5('row 21')::uuid)")
    kept = f"{NODES} where g <= 3"
    run = await merged(target, {"nodes": TREE}, {"nodes": Body(select=kept)})
    # 21 stays for the leaf, 10 and 5 because 21 is below them; 2 is there still.
    assert await remove(target, run, ["nodes"]) == {"nodes": Counts(read=28, deleted=25, unchanged=3)}
    assert await ids(target, "nodes") == keys([1, 2, 3, 5, 10, 21])
    assert await warned(target, run) == {
        ("still_referred", "leaves.node_id"): 1, ("still_referred", "nodes.parent_id"): 2,
    }  # fmt: skip
    assert await target.connection.fetchval("select count(*) from leaves where node_id is not null") == 1


async def test_children_go_before_their_parents_and_references_without_a_foreign_key_count_too(target: Target) -> None:
    await target.connection.execute(
        """create table people (id uuid primary key, name text, left_at timestamptz);
           create table visits (id uuid primary key, person_id uuid)"""
    )
    visits = program(
        "visits",
        ("id", "person_id"),
        gone=Gone.REMOVE,
        references=(reference("person_id", "people", "people", enforced=False),),
    )
    by_visits = ReferringColumn(table=visits.table, column="person_id", referenced_column="id")
    programs = {"people": msgspec.structs.replace(PEOPLE, referrers=(by_visits,)), "visits": visits}
    of_person = "select md5('visit ' || g)::uuid, md5('row ' || g)::uuid from generate_series({}, 4) g"
    run = await target.run(programs)
    await target.load(batch(run, "people"), rows(1, 4))
    await target.load(batch(run, "visits"), Body(select=of_person.format(1)))
    bodies = {"people": rows(3, 4), "visits": Body(select=of_person.format(3))}
    run = await merged(target, programs, bodies)
    assert await remove(target, run, ["visits", "people"]) == {
        "visits": Counts(read=2, deleted=2), "people": Counts(read=2, deleted=2),
    }  # fmt: skip
    await target.connection.execute("insert into visits values (gen_random_uuid(), md5('row 3')::uuid)")
    bodies = {"people": rows(4, 4), "visits": Body(select=of_person.format(4))}
    run = await merged(target, programs, bodies)
    assert (await remove(target, run, ["visits", "people"]))["people"] == Counts(read=1, unchanged=1)
    alone = await merged(target, {"people": programs["people"]}, {"people": bodies["people"]})
    assert (await remove(target, alone, ["people"]))["people"] == Counts(read=1, unchanged=1)
    assert await warned(target, run) == {("still_referred", "visits.person_id"): 1}


async def test_too_many_rows_at_once_wait_until_somebody_accepts_that(people: Target) -> None:
    await loaded(people, 5_000)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(1_002, 5_000)})
    removal = Removal(people.ledger.pool, people.loader.runs)
    assert (await removal.remove(batch(run, "people", pass_number=REMOVAL))).counts == Counts()
    found = await people.connection.fetchrow(
        "select state, reason, message from transfuse.run_mapping where run_id = $1 and pass = 3", run
    )
    assert tuple(found or ()) == (
        "paused",
        "removal_limit",
        "1001 of 5000 rows are gone from the source. Resume the run if that is right.",
    )
    assert len(await ids(people)) == 5_000
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1_001, deleted=1_001)}


async def test_nothing_is_gone_while_a_row_was_not_read(people: Target) -> None:
    await loaded(people, 4)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(3, 4)})
    await people.connection.execute(
        "update transfuse.run_mapping set from_rows = 3 where run_id = $1 and pass = 1", run
    )
    with pytest.raises(RunError, match="Not every row of people was read"):
        await remove(people, run, ["people"])
    assert await ids(people) == keys(range(1, 5))


async def test_a_row_that_a_trigger_keeps_stays_with_what_it_says(people: Target) -> None:
    await people.connection.execute(
        """create function keep() returns trigger language plpgsql as $$
           begin if old.name = 'name 2' then raise 'signed: %', old.name; end if; return old; end $$;
           create trigger keep before delete on people for each row execute function keep()"""
    )
    await loaded(people, 5)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(5, 5)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=4, deleted=3, unchanged=1)}
    assert await ids(people) == keys([2, 5])
    assert await warned(people, run) == {("refused_by_trigger", ""): 1}


@pytest.mark.parametrize("step", ("before_removal", "after_removal", "before_removal_commit"))
@pytest.mark.parametrize("seq", (1, 2))
async def test_a_failure_before_the_commit_leaves_nothing_and_the_next_attempt_settles(
    people: Target, step: str, seq: int
) -> None:
    await loaded(people, 5)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(3, 5)})
    removal = Removal(people.ledger.pool, people.loader.runs)
    first = batch(run, "people", pass_number=REMOVAL)
    if seq > 1:
        await removal.remove(first)
        await people.connection.execute("update transfuse.batch set state = 'dispatched' where seq = 2")
    with armed(f"loader.{step}", Action.RAISE), pytest.raises(FailpointReached):
        await removal.remove(msgspec.structs.replace(first, seq=seq))
    assert await ids(people) == keys(range(1, 6))
    assert await people.connection.fetchval("select count(*) from transfuse.batch where pass = 3") == seq
    assert await remove(people, run, ["people"]) == {"people": Counts(read=2, deleted=2)}
    assert (await removal.remove(msgspec.structs.replace(first, seq=seq))).claim is Claim.SETTLED


async def test_what_is_inserted_meanwhile_holds_its_parent(people: Target) -> None:
    """A child that comes between the look and the deletion waits for the lock, and then finds no parent."""
    await people.connection.execute("create table notes (person_id uuid references people on delete cascade)")
    await loaded(people, 2)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(2, 2)})
    await people.connection.execute("insert into notes values (md5('row 1')::uuid)")
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1, unchanged=1)}
    assert await people.connection.fetchval("select count(*) from notes") == 1


async def test_a_table_that_refers_and_cannot_be_read_stops_the_removal(people: Target) -> None:
    await people.connection.execute("create table notes (person_id uuid references people)")
    await loaded(people, 2)
    run = await merged(people, {"people": PEOPLE}, {"people": rows(2, 2)})
    role = f"reader_{run.hex}"
    await people.connection.execute(
        f"""create role {role}; grant usage on schema public, transfuse to {role};
            grant select, insert, update, delete on people to {role};
            grant all on all tables in schema transfuse to {role};
            grant execute on all functions in schema transfuse to {role}"""
    )

    try:
        async with people.ledger.pool.acquire() as connection:
            compiled = await people.loader.runs.get(connection, run)
            assert compiled is not None
            await connection.execute(f"set role {role}")
            with pytest.raises(RunError, match="the loader may not read them"):
                await referrers_of(connection, compiled.plan, PEOPLE.table)
            await connection.execute("reset role")
    finally:
        await people.connection.execute(f"drop owned by {role}; drop role {role}")


async def test_rows_of_a_replay_are_rows_of_a_run(people: Target) -> None:
    await loaded(people, 4)
    await people.connection.execute("update transfuse.run set kind = 'replay'")
    run = await merged(people, {"people": PEOPLE}, {"people": rows(2, 4)})
    assert await remove(people, run, ["people"]) == {"people": Counts(read=1, deleted=1)}
