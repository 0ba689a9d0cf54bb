"""What is kept for an undo puts back every value as it was, whatever its type, and in whatever order it has to be."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from shared.core.counts import Counts
from shared.core.run_options import BuiltOn
from shared.core.states import Encoding, LoadMode, RunState
from shared.crypto.aad import manifest_aad
from shared.ledger.former import FormerAction, FormerRow, FormerRows, open_former, open_placeholders, seal_former
from shared.ledger.settling import Claim
from shared.messages import UndoBatch
from shared.plan.compiled import Mark, PlaceholderRow
from shared.plan.model import Gone, MissingParent
from shared.postgres.identifiers import TableName
from shared.runtime.failpoints import Action, armed
from tests.e2e.test_types import TYPES, VALUES, quoted
from tests.loading.removals import merged, remove
from tests.loading.target import Body, Target, batch, keys, program, reference
from tests.loading.undoing import Undoer

KINDS = tuple(VALUES)
COLUMNS = tuple(f"c{number}" for number in range(len(KINDS)))
EVERY = program("every", ("id", *COLUMNS), key_is_unique=True)
DEFINED = ", ".join(f"{column} {kind}" for column, kind in zip(COLUMNS, KINDS, strict=True))
ROWS = [
    (column, f"{quoted(value)}::{kind}") for column, kind in zip(COLUMNS, KINDS, strict=True) for value in VALUES[kind]
]
BYTES = "select id, record_send(e) from every e order by id"
PEOPLE = program("people", ("id", "name"), key_is_unique=True)
SOME_PEOPLE = "select md5('row ' || g)::uuid, 'name ' || g from generate_series({first}, {last}) g"


@pytest.fixture
async def every(target: Target) -> Undoer:
    """A table with a column of every type and a row for every value, each with `md5('row n')` for its key."""
    await target.connection.execute(f"{TYPES}; create table every (id uuid primary key, {DEFINED})")
    await target.connection.execute(
        "\n".join(
            f"insert into every (id, {column}) values (md5('row {number}')::uuid, {value});"  # noqa: S608 - our own
            for number, (column, value) in enumerate(ROWS)
        )
    )
    return Undoer(target)


async def test_every_value_of_every_type_is_put_back_by_its_bytes(every: Undoer) -> None:
    target = every.target
    before = await target.connection.fetch(BYTES)
    run = await target.run({"every": EVERY})
    empty = ", ".join(f"null::{kind}" for kind in KINDS)
    select = f"select id, {empty} from every"  # noqa: S608 - our own names
    await target.load(batch(run, "every"), Body(select=select, encoding=Encoding.CSV), LoadMode.MERGE)
    assert (await target.counts(batch(run, "every"))).updated == len(ROWS)

    undo = await every.undo(run)
    assert await every.reason(undo) == ""
    assert await target.connection.fetch(BYTES) == before


async def removed(target: Target, run: UUID, columns: tuple[str, ...], table: str = "every") -> None:
    """What a merge leaves that removed all rows of a table: its manifest of a third pass."""
    ref = batch(run, table, pass_number=3)
    texts = ", ".join(f"{column}::text" for column in columns)
    found = await target.connection.fetch(
        f"select id, xmin::text::bigint as writer, array[{texts}] as texts from {table}"  # noqa: S608 - our own names
    )
    rows = tuple(FormerRow(key=row["id"].bytes, written_by=row["writer"], texts=tuple(row["texts"])) for row in found)
    key = target.keys[run]
    former = seal_former([FormerRows(action=FormerAction.DELETED, columns=columns, rows=rows)], key, ref)
    empty = key.seal(b"", manifest_aad(ref))
    async with target.connection.transaction():
        await target.connection.execute(f"delete from {table}")  # noqa: S608 - our own names
        await target.connection.execute(
            """insert into transfuse.run_mapping
                   (run_id, mapping, pass, position, cut_complete, driving_rows, from_rows, target_schema, target_table)
               values ($1, $2, 3, 3, true, $3, $3, 'public', $2)""",
            *(run, table, len(rows)),
        )
        await target.connection.execute(
            """insert into transfuse.batch (run_id, mapping, pass, seq, state, read_count, deleted)
               values ($1, $2, 3, 1, 'settled', $3, $3)""",
            *(run, table, len(rows)),
        )
        await target.connection.execute(
            """insert into transfuse.manifest
                   (run_id, mapping, pass, seq, generation, transaction_id, written, unchanged, filtered, quarantined,
                    updated, former)
               values ($1, $2, 3, 1, 1, pg_current_xact_id(), $3, $3, $3, $3, $3, $4)""",
            *(run, table, empty, former),
        )


async def test_rows_that_a_removal_deleted_are_there_again_by_their_bytes(every: Undoer) -> None:
    target = every.target
    before = await target.connection.fetch(BYTES)
    run = await target.run({"every": EVERY}, batches=0)
    await removed(target, run, ("id", *COLUMNS))
    assert await target.connection.fetchval("select count(*) from every") == 0
    undo = await every.undo(run)
    assert await every.reason(undo) == ""
    assert await target.connection.fetch(BYTES) == before
    assert await every.counts(undo) == {"read": len(ROWS), "updated": len(ROWS)}


@pytest.mark.parametrize("built_on", list(BuiltOn))
async def test_a_removed_row_that_is_there_again_is_somebody_elses(every: Undoer, built_on: BuiltOn) -> None:
    target = every.target
    run = await target.run({"every": EVERY}, batches=0)
    await removed(target, run, ("id", *COLUMNS))
    await target.connection.execute("insert into every (id, c0) values (md5('row 3')::uuid, 7)")
    undo = await every.undo(run, built_on)
    if built_on is BuiltOn.REFUSE:
        assert "every (1 changed_since)" in await every.reason(undo)
    else:
        assert await every.reason(undo) == ""
        assert await every.counts(undo) == {"read": len(ROWS), "updated": len(ROWS) - 1, "unchanged": 1}
        assert await target.connection.fetchval("select c0 from every where id = md5('row 3')::uuid") == 7


async def test_former_values_are_kept_of_what_is_updated_and_open_under_the_runs_key_alone(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text)")
    await target.connection.execute("insert into people select md5('row 1')::uuid, 'secret'")
    run = await target.run({"people": PEOPLE}, batches=2)
    await target.load(batch(run, "people"), Body(select=SOME_PEOPLE.format(first=1, last=2)), LoadMode.MERGE)
    await target.load(batch(run, "people", 2), Body(select=SOME_PEOPLE.format(first=3, last=4)), LoadMode.MERGE)
    kept = await target.connection.fetch("select former from transfuse.manifest where run_id = $1 order by seq", run)
    assert kept[1]["former"] is None
    assert b"secret" not in kept[0]["former"]
    (former,) = open_former(kept[0]["former"], target.keys[run], batch(run, "people"))
    assert (former.action, former.columns) == (FormerAction.UPDATED, ("name",))
    assert [(UUID(bytes=row.key), row.texts) for row in former.rows] == [(next(iter(keys([1]))), ("secret",))]


async def test_values_that_moved_from_row_to_row_under_a_unique_key_find_their_places_again(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, code integer unique)")
    undoer = Undoer(target)
    codes = program("people", ("id", "code"), key_is_unique=True, in_seq_order=True)
    await target.connection.execute("insert into people select md5('row ' || g)::uuid, g from generate_series(1, 40) g")
    before = await undoer.hash("people")
    run = await target.run({"people": codes}, batches=2)
    for seq, (first, last) in enumerate(((21, 40), (1, 20)), start=1):
        select = f"select md5('row ' || g)::uuid, g + 1 from generate_series({first}, {last}) g order by g desc"  # noqa: S608 - numbers
        await target.load(batch(run, "people", seq), Body(select=select), LoadMode.MERGE)
    assert await target.connection.fetchval("select sum(code) from people") == sum(range(2, 42))

    undo = await undoer.undo(run)
    assert await undoer.reason(undo) == ""
    assert await undoer.hash("people") == before


@pytest.mark.parametrize("built_on", (BuiltOn.REFUSE, BuiltOn.KEEP))
async def test_a_value_whose_place_somebody_else_took_stays_or_ends_the_undo(target: Target, built_on: BuiltOn) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text unique)")
    undoer = Undoer(target)
    await target.connection.execute(f"insert into people {SOME_PEOPLE.format(first=1, last=3)}")
    run = await target.run({"people": PEOPLE})
    renamed = SOME_PEOPLE.format(first=1, last=3).replace("'name '", "'other '")
    await target.load(batch(run, "people"), Body(select=renamed), LoadMode.MERGE)
    await target.connection.execute("insert into people values (gen_random_uuid(), 'name 2')")
    undo = await undoer.undo(run, built_on)
    names = {row["name"] for row in await target.connection.fetch("select name from people")}
    if built_on is BuiltOn.REFUSE:
        assert "people (1 not_put_back)" in await undoer.reason(undo)
        assert names == {"name 2", "other 1", "other 2", "other 3"}
    else:
        assert await undoer.reason(undo) == ""
        assert names == {"name 1", "name 2", "name 3", "other 2"}
        assert await undoer.warnings(undo) == {"not_put_back": 1}


NOBODY = UUID("00000000-0000-5000-8000-0000000000aa")


@pytest.mark.parametrize("with_people", (True, False))
async def test_the_placeholder_that_a_run_made_goes_with_it_and_one_that_was_there_stays(
    target: Target, with_people: bool
) -> None:
    await target.connection.execute(
        """create table people (id uuid primary key, name text);
           create table orders (id uuid primary key, person_id uuid not null references people)"""
    )
    undoer = Undoer(target)
    placeholder = PlaceholderRow(
        mapping="people",
        table=TableName(schema="public", name="people"),
        key_column="id",
        key_name="people:\\placeholder",
        columns=("name",),
        values=("Unknown",),
    )
    orders = program(
        "orders",
        ("id", "person_id"),
        references=(reference("person_id", "people", "people", default=MissingParent.PLACEHOLDER),),
        placeholders=(placeholder,),
        key_is_unique=True,
    )
    programs = {"people": PEOPLE, "orders": orders} if with_people else {"orders": orders}
    runs, hashes = [], [await undoer.hash("people", "orders")]
    for first in (1, 11):
        run = await target.run(programs)
        if with_people:
            await target.load(batch(run, "people"), Body(select=SOME_PEOPLE.format(first=first, last=first + 4)))
        select = f"select md5('order ' || g)::uuid, md5('row ' || g)::uuid from generate_series({first}, {first + 9}) g"  # noqa: S608 - numbers
        await target.load(batch(run, "orders"), Body(select=select, placeholders={"people": NOBODY}))
        runs.append(run)
        hashes.append(await undoer.hash("people", "orders"))
    made = await target.connection.fetch(
        "select run_id, placeholders from transfuse.manifest where placeholders is not null"
    )
    assert [row["run_id"] for row in made] == [runs[0]]
    ref = batch(runs[0], "orders")
    assert open_placeholders(made[0]["placeholders"], target.keys[runs[0]], ref) == (("people", NOBODY.bytes),)

    assert "people (1 referred_to)" in await undoer.reason(await undoer.undo(runs[0]))
    for number in (1, 0):
        assert await undoer.reason(await undoer.undo(runs[number])) == ""
        assert await undoer.hash("people", "orders") == hashes[number]


async def test_a_command_that_comes_twice_takes_back_once(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text)")
    undoer = Undoer(target)
    run = await target.run({"people": PEOPLE})
    await target.load(batch(run, "people"), Body(select=SOME_PEOPLE.format(first=1, last=5)))
    undo = await undoer.start(run)
    await undoer.until(undo, {RunState.RUNNING})
    ref = next(command.batch for command in await undoer.commands() if isinstance(command, UndoBatch))
    first, again = await undoer.loader.undo(ref), await undoer.loader.undo(ref)
    assert (first.claim, first.counts) == (Claim.CLAIMED, Counts(read=5, deleted=5))
    assert (again.claim, again.counts) == (Claim.SETTLED, None)
    older = msgspec.structs.replace(ref, generation=7)
    assert (await undoer.loader.undo(older)).counts is None


async def test_an_undo_that_stopped_half_way_goes_on_as_itself_or_as_another(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text)")
    undoer = Undoer(target)
    before = await undoer.hash("people")
    run = await target.run({"people": PEOPLE}, batches=3)
    for seq in (1, 2, 3):
        select = SOME_PEOPLE.format(first=seq * 10, last=seq * 10 + 9)
        await target.load(batch(run, "people", seq), Body(select=select))
    undo = await undoer.start(run)
    await undoer.until(undo, {RunState.RUNNING})
    commands = [command for command in await undoer.commands() if isinstance(command, UndoBatch)]
    with armed("loader.undo_before_commit", Action.RAISE), pytest.raises(Exception, match="undo_before_commit"):
        await undoer.loader.undo(commands[0].batch)
    assert await target.connection.fetchval("select count(*) from people") == 30
    await undoer.do(commands[1])
    assert await target.connection.fetchval("select count(*) from people") == 20
    await target.ledger.runs.pause(undo, actor="tester")
    await target.ledger.runs.resume(undo, actor="tester")
    await undoer.until(undo, {RunState.RUNNING})
    await target.ledger.runs.cancel(undo, actor="tester")
    assert await undoer.hash("people") != before

    other = await undoer.undo(run)
    assert await undoer.reason(other) == ""
    assert await undoer.hash("people") == before
    assert await undoer.counts(other) == {"read": 30, "deleted": 20, "unchanged": 10}


async def test_a_row_that_is_changed_after_the_survey_ends_an_undo_that_refuses(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text)")
    undoer = Undoer(target)
    run = await target.run({"people": PEOPLE})
    await target.load(batch(run, "people"), Body(select=SOME_PEOPLE.format(first=1, last=5)))
    undo = await undoer.start(run)
    await undoer.until(undo, {RunState.RUNNING})
    await target.connection.execute("update people set name = 'mine' where name = 'name 4'")
    assert await undoer.until(undo) is RunState.FAILED
    assert (await undoer.reason(undo)).startswith("built_on")
    assert await target.connection.fetchval("select count(*) from people") == 5
    again = await undoer.undo(run, BuiltOn.KEEP)
    assert await undoer.counts(again) == {"read": 5, "deleted": 4, "unchanged": 1}


async def test_a_trigger_that_swallows_rows_ends_the_undo_and_leaves_everything(target: Target) -> None:
    await target.connection.execute(
        """create table people (id uuid primary key, name text);
           create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
           create trigger swallow before delete on people for each row execute function swallow()"""
    )
    undoer = Undoer(target)
    run = await target.run({"people": PEOPLE})
    await target.load(batch(run, "people"), Body(select=SOME_PEOPLE.format(first=1, last=5)))
    undo = await undoer.undo(run)
    assert (await undoer.reason(undo)).startswith("rows_miscounted")
    assert await target.connection.fetchval("select count(*) from people") == 5


async def test_a_run_that_kept_no_former_values_is_refused(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text)")
    undoer = Undoer(target)
    await target.connection.execute(f"insert into people {SOME_PEOPLE.format(first=1, last=3)}")
    run = await target.run({"people": PEOPLE})
    select = SOME_PEOPLE.format(first=1, last=5).replace("'name '", "'n '")
    await target.load(batch(run, "people"), Body(select=select), LoadMode.MERGE)
    await target.connection.execute("update transfuse.manifest set former = null")
    undo = await undoer.undo(run)
    assert (await undoer.reason(undo)).startswith("former_values_missing")
    assert await target.connection.fetchval("select count(*) from people") == 5


@pytest.mark.parametrize("marks", ((), (Mark(column="left_at", value=None),)), ids=("removed", "marked"))
async def test_what_a_merge_removed_or_marked_is_back_with_all_it_inserted_and_changed(
    target: Target, marks: tuple[Mark, ...]
) -> None:
    await target.connection.execute(
        """create table people (id uuid primary key, name text, left_at timestamptz, own text default 'theirs',
                                twice text generated always as (name || name) stored);
           create table orders (id uuid primary key, person_id uuid references people on delete cascade)"""
    )
    undoer = Undoer(target)
    leaving = program(
        "people", ("id", "name", "left_at"), key_is_unique=True, gone=Gone.MARK if marks else Gone.REMOVE, marks=marks
    )
    orders = program(
        "orders",
        ("id", "person_id"),
        references=(reference("person_id", "people", "people"),),
        key_is_unique=True,
        gone=Gone.REMOVE,
    )
    programs = {"people": leaving, "orders": orders}

    def some(first: int, last: int) -> dict[str, Body]:
        numbers = f"generate_series({first}, {last}) g"
        names = f"select md5('row ' || g)::uuid, 'name {first} ' || g, null::timestamptz from {numbers}"  # noqa: S608 - numbers
        referring = f"select md5('order ' || g)::uuid, md5('row ' || g)::uuid from {numbers}"  # noqa: S608 - numbers
        return {"people": Body(select=names), "orders": Body(select=referring)}

    earlier = await target.run(programs)
    for name, body in some(1, 10).items():
        await target.load(batch(earlier, name), body)
    await target.connection.execute("update people set own = 'ours' where name like '% 2'")
    before = await undoer.hash("people", "orders")
    run = await merged(target, programs, some(4, 14))
    await remove(target, run, ["orders", "people"])
    assert await undoer.hash("people", "orders") != before

    undo = await undoer.undo(run)
    assert await undoer.reason(undo) == ""
    assert await undoer.hash("people", "orders") == before
    assert await undoer.counts(undo) == {"read": 21, "deleted": 8, "updated": 13}
