"""An undo removes what one run inserted and puts back what it changed, and leaves the rows of all others alone."""

from __future__ import annotations

import pytest

from shared.core.errors import Refused
from shared.core.run_options import BuiltOn
from shared.core.states import LoadMode
from shared.plan.model import MissingParent
from tests.loading.target import Body, Target, batch, program, reference
from tests.loading.undoing import Undoer

PEOPLE = program("people", ("id", "name"), key_is_unique=True)
ORDERS = program(
    "orders", ("id", "person_id"), key_is_unique=True, references=(reference("person_id", "people", "people"),)
)
SOME_PEOPLE = "select md5('row ' || g)::uuid, 'name ' || g from generate_series({first}, {last}) g"
SOME_ORDERS = "select md5('order ' || g)::uuid, md5('row ' || g)::uuid from generate_series({first}, {last}) g"
TABLES = """
create table people (id uuid primary key, name text not null, own text default 'theirs');
create table orders (id uuid primary key, person_id uuid not null references people on delete cascade);
create index on orders (person_id);
"""


@pytest.fixture
async def clinic(target: Target) -> Undoer:
    """People and their orders, who would go with them."""
    await target.connection.execute(TABLES)
    return Undoer(target)


def people(first: int, last: int) -> Body:
    return Body(select=SOME_PEOPLE.format(first=first, last=last))


def orders(first: int, last: int) -> Body:
    return Body(select=SOME_ORDERS.format(first=first, last=last))


async def loaded(undoer: Undoer, first: int, last: int) -> object:
    """A run of people and orders in two batches each."""
    target = undoer.target
    run = await target.run({"people": PEOPLE, "orders": ORDERS}, batches=2)
    middle = (first + last) // 2
    for seq, (low, high) in enumerate(((first, middle), (middle + 1, last)), start=1):
        await target.load(batch(run, "people", seq), people(low, high))
    for seq, (low, high) in enumerate(((first, middle), (middle + 1, last)), start=1):
        await target.load(batch(run, "orders", seq), orders(low, high))
    return run


async def test_what_one_run_inserted_is_gone_and_another_runs_rows_are_the_same_bytes(clinic: Undoer) -> None:
    await loaded(clinic, 1, 20)
    before = await clinic.hash("people", "orders")
    own = "select 'p', id, xmin::text from people union all select 'o', id, xmin::text from orders order by 1, 2"
    rows = await clinic.target.connection.fetch(own)
    run = await loaded(clinic, 21, 60)
    assert await clinic.hash("people", "orders") != before

    undo = await clinic.undo(run)  # type: ignore[arg-type]
    assert await clinic.reason(undo) == ""
    assert await clinic.hash("people", "orders") == before
    assert await clinic.target.connection.fetch(own) == rows
    assert await clinic.counts(undo) == {"read": 80, "deleted": 80}
    marked = await clinic.target.connection.fetchrow(
        "select undone_at is not null, undone_by_run from transfuse.run where id = $1", run
    )
    assert tuple(marked) == (True, undo)


async def test_a_run_is_undone_once(clinic: Undoer) -> None:
    run = await loaded(clinic, 1, 4)
    await clinic.undo(run)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="undone already"):
        await clinic.start(run)  # type: ignore[arg-type]


async def test_an_undo_is_not_undone(clinic: Undoer) -> None:
    run = await loaded(clinic, 1, 4)
    undo = await clinic.undo(run)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="kind undo"):
        await clinic.start(undo)


async def test_values_that_a_merge_overwrote_are_back_whoever_had_written_them(clinic: Undoer) -> None:
    target = clinic.target
    await loaded(clinic, 1, 10)
    await target.connection.execute("update people set own = 'ours' where name = 'name 3'")
    before = await clinic.hash("people", "orders")
    run = await target.run({"people": PEOPLE})
    select = SOME_PEOPLE.format(first=1, last=15).replace(
        "'name ' || g", "case when g < 6 then 'other' else 'name ' || g end"
    )
    await target.load(batch(run, "people"), Body(select=select), LoadMode.MERGE)
    assert (await target.counts(batch(run, "people"))).updated == 5

    undo = await clinic.undo(run)
    assert await clinic.reason(undo) == ""
    assert await clinic.hash("people", "orders") == before
    assert await clinic.counts(undo) == {"read": 10, "deleted": 5, "updated": 5}


async def test_runs_are_undone_one_after_the_other_from_the_last(clinic: Undoer) -> None:
    target = clinic.target
    before = await clinic.hash("people")
    first = await target.run({"people": PEOPLE})
    await target.load(batch(first, "people"), people(1, 10))
    between = await clinic.hash("people")
    later = []
    for word in ("one", "two"):
        run = await target.run({"people": PEOPLE})
        select = SOME_PEOPLE.format(first=4, last=12).replace("'name '", f"'{word} '")
        await target.load(batch(run, "people"), Body(select=select), LoadMode.MERGE)
        later.append(run)
    for run in reversed(later):
        assert await clinic.reason(await clinic.undo(run)) == ""
    assert await clinic.hash("people") == between
    assert await clinic.reason(await clinic.undo(first)) == ""
    assert await clinic.hash("people") == before


async def test_rows_that_somebody_changed_before_a_later_run_that_was_undone_still_count_as_changed(
    clinic: Undoer,
) -> None:
    target = clinic.target
    first = await target.run({"people": PEOPLE})
    await target.load(batch(first, "people"), people(1, 10))
    await target.connection.execute("update people set own = 'ours' where name = 'name 5'")
    run = await target.run({"people": PEOPLE})
    await target.load(
        batch(run, "people"),
        Body(select=SOME_PEOPLE.format(first=4, last=6).replace("'name '", "'new '")),
        LoadMode.MERGE,
    )
    await clinic.undo(run)
    undo = await clinic.undo(first)
    assert await clinic.reason(undo) == "built_on Others built on rows of this run since: people (1 changed_since)."
    assert await target.connection.fetchval("select count(*) from people") == 10


@pytest.mark.parametrize(
    ("built_on", "left", "counts"),
    (
        (BuiltOn.KEEP, ["name 2", "name 3"], {"read": 10, "deleted": 8, "unchanged": 2}),
        (BuiltOn.DISCARD, ["name 3"], {"read": 10, "deleted": 9, "unchanged": 1}),
    ),
)
async def test_rows_that_others_built_on_refuse_the_undo_unless_it_is_told_what_to_do(
    clinic: Undoer, built_on: BuiltOn, left: list[str], counts: dict[str, int]
) -> None:
    """Number 2 was changed, number 3 has an order of somebody else: what others refer to always stays."""
    target = clinic.target
    run = await target.run({"people": PEOPLE})
    await target.load(batch(run, "people"), people(1, 10))
    await target.connection.execute(
        """update people set own = 'ours' where name = 'name 2';
           insert into orders select gen_random_uuid(), id from people where name = 'name 3'"""
    )
    before = await clinic.hash("people", "orders")

    refused = await clinic.undo(run)
    assert await clinic.reason(refused) == (
        "built_on Others built on rows of this run since: people (1 changed_since, 1 referred_to)."
    )
    assert await clinic.hash("people", "orders") == before

    undo = await clinic.undo(run, built_on)
    assert await clinic.reason(undo) == ""
    found = await target.connection.fetch("select name from people order by 1")
    assert [row["name"] for row in found] == left
    assert await target.connection.fetchval("select count(*) from orders") == 1
    assert await clinic.counts(undo) == counts


async def test_a_row_that_stays_keeps_the_rows_it_refers_to(clinic: Undoer) -> None:
    target = clinic.target
    run = await loaded(clinic, 1, 6)
    await target.connection.execute(
        """create table notes (order_id uuid references orders on delete set null);
           insert into notes select id from orders order by id limit 1"""
    )
    undo = await clinic.undo(run, BuiltOn.DISCARD)  # type: ignore[arg-type]
    assert await clinic.reason(undo) == ""
    assert (
        await target.connection.fetchval(
            "select count(*) from notes n join orders o on o.id = n.order_id join people p on p.id = o.person_id"
        )
        == 1
    )
    assert await clinic.counts(undo) == {"read": 12, "deleted": 10, "unchanged": 2}
    assert await clinic.warnings(undo) == {"referred_to": 2}


async def test_a_reference_that_the_target_does_not_enforce_holds_a_row_too(target: Target) -> None:
    await target.connection.execute(
        """create table people (id uuid primary key, name text);
           create table orders (id uuid primary key, person_id uuid)"""
    )
    undoer = Undoer(target)
    loose = program(
        "orders", ("id", "person_id"), references=(reference("person_id", "people", "people", enforced=False),)
    )
    run = await target.run({"people": PEOPLE, "orders": loose})
    await target.load(batch(run, "people"), people(1, 4))
    await target.load(batch(run, "orders"), orders(1, 4))
    await target.connection.execute("insert into orders select gen_random_uuid(), id from people where name = 'name 4'")
    undo = await undoer.undo(run, BuiltOn.KEEP)
    assert await undoer.reason(undo) == ""
    assert await target.connection.fetchval("select array_agg(name) from people") == ["name 4"]


async def test_rows_that_are_gone_already_are_counted_and_warned_of(clinic: Undoer) -> None:
    run = await clinic.target.run({"people": PEOPLE})
    await clinic.target.load(batch(run, "people"), people(1, 10))
    await clinic.target.connection.execute("delete from people where name in ('name 3', 'name 4')")
    undo = await clinic.undo(run)
    assert await clinic.counts(undo) == {"read": 10, "deleted": 8, "unchanged": 2}
    assert await clinic.warnings(undo) == {"not_in_target": 2}


async def test_references_of_a_second_pass_are_taken_back_before_the_rows(target: Target) -> None:
    await target.connection.execute(
        "create table people (id uuid primary key, name text, parent_id uuid references people on delete cascade)"
    )
    undoer = Undoer(target)
    parents = program(
        "people",
        ("id", "parent_id"),
        references=(reference("parent_id", "people", "people", default=MissingParent.NULL_IT),),
    )
    await target.connection.execute(f"insert into people (id, name) {SOME_PEOPLE.format(first=100, last=105)}")
    before = await undoer.hash("people")
    run = await target.second({"people": PEOPLE}, {"people": parents})
    await target.load(batch(run, "people"), people(1, 20))
    links = "select md5('row ' || g)::uuid, md5('row ' || g % 20 + 1)::uuid from generate_series(1, 20) g"
    await target.load(batch(run, "people", pass_number=2), Body(select=links), LoadMode.PATCH)

    undo = await undoer.undo(run)
    assert await undoer.reason(undo) == ""
    assert await undoer.hash("people") == before
    assert await undoer.counts(undo) == {"read": 40, "deleted": 20, "updated": 20}


async def test_a_back_fill_is_taken_back_to_what_was_there(target: Target) -> None:
    await target.connection.execute("create table people (id uuid primary key, name text, own text)")
    undoer = Undoer(target)
    await target.connection.execute(
        SOME_PEOPLE.format(first=1, last=9).replace("select", "insert into people select", 1)
    )
    await target.connection.execute("update people set name = null where name = 'name 4'")
    before = await undoer.hash("people")
    run = await target.run({"people": PEOPLE})
    await target.load(
        batch(run, "people"),
        Body(select=SOME_PEOPLE.format(first=1, last=9).replace("'name '", "'n '")),
        LoadMode.PATCH,
    )
    assert await undoer.reason(await undoer.undo(run)) == ""
    assert await undoer.hash("people") == before


async def test_names_that_need_quotes_are_taken_back_like_others(target: Target) -> None:
    table, key, name = 'we"ird', 'K"ey', 'va "l'
    await target.connection.execute(
        """create table "we""ird" ("K""ey" uuid primary key, "va ""l" text, "select" text);
           create table child (id uuid, "re""f" uuid references "we""ird")"""
    )
    undoer = Undoer(target)
    await target.connection.execute("""insert into "we""ird" select md5('row 1')::uuid, E'a\\\\b\\'c', 's'""")
    before = await undoer.hash(table)
    loading = program(table, (key, name), key_is_unique=True)
    run = await target.run({'m"1': loading})
    await target.load(batch(run, 'm"1'), people(1, 3), LoadMode.MERGE)
    undo = await undoer.undo(run)
    assert await undoer.reason(undo) == ""
    assert await undoer.hash(table) == before
    assert await undoer.counts(undo) == {"read": 3, "deleted": 2, "updated": 1}


async def test_where_keys_are_not_unique_only_the_runs_own_rows_go(target: Target) -> None:
    await target.connection.execute("create table people (id uuid, name text)")
    undoer = Undoer(target)
    loose = program("people", ("id", "name"), key_is_unique=False, primary_key=())
    run = await target.run({"people": loose})
    await target.load(batch(run, "people"), people(1, 5))
    await target.connection.execute("update people set name = 'mine' where name = 'name 5'")
    others = "insert into people select md5('row ' || g)::uuid, 'other' from generate_series(3, 4) g"
    await target.connection.execute(others)
    undo = await undoer.undo(run)
    assert await undoer.reason(undo) == ""
    assert await undoer.counts(undo) == {"read": 5, "deleted": 4, "unchanged": 1}
    left = await target.connection.fetch("select name from people order by 1")
    assert [row["name"] for row in left] == ["mine", "other", "other"]
