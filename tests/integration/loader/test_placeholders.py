"""A reference whose parent is not there may be turned to one row that says of itself that it stands for it."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.errors import RunError
from shared.plan.compiled import LoadProgram, PlaceholderRow
from shared.plan.model import MissingParent
from shared.postgres.identifiers import TableName
from tests.loading.target import Body, Target, batch, program, reference

TABLES = """
create type kind as enum ('staff', 'guest');
create table people (
    id uuid primary key, name text not null, kind kind not null, born date, note text default 'none', metadata jsonb
);
insert into people select md5('person ' || g)::uuid, 'person ' || g, 'staff' from generate_series(1, 5) g;
create table projects (id uuid primary key, creator_id uuid not null);
"""
FOREIGN_KEY = "alter table projects add foreign key (creator_id) references people"
PROJECTS = "select md5('project ' || g)::uuid, md5('person ' || g)::uuid from generate_series({first}, {last}) g"
NOBODY = UUID("00000000-0000-5000-8000-0000000000aa")
PLACEHOLDER = PlaceholderRow(
    mapping="people",
    table=TableName(schema="public", name="people"),
    key_column="id",
    key_name="people:\\placeholder",
    columns=("name", "kind", "metadata", "note"),
    values=("Unknown", "guest", '{"placeholder": true}', None),
)
MADE = "select name, kind::text, note, metadata::text from people where metadata is not null"


def projects(*, enforced: bool, placeholder: PlaceholderRow = PLACEHOLDER, **fates: MissingParent) -> LoadProgram:
    policy = fates or {"default": MissingParent.PLACEHOLDER}
    refers = (reference("creator_id", "people", "people", enforced=enforced, **policy),)
    return program("projects", ("id", "creator_id"), references=refers, placeholders=(placeholder,))


def some(first: int, last: int) -> Body:
    return Body(select=PROJECTS.format(first=first, last=last), placeholders={"people": NOBODY})


@pytest.fixture(params=(True, False), ids=("enforced", "not enforced"))
async def enforced(request: pytest.FixtureRequest, target: Target) -> bool:
    await target.connection.execute(TABLES)
    if request.param:
        await target.connection.execute(FOREIGN_KEY)
    return bool(request.param)


async def warnings(target: Target) -> list[tuple[object, ...]]:
    rows = await target.connection.fetch(
        """select w ->> 'code', w ->> 'column', (w ->> 'count')::int
             from transfuse.batch, jsonb_array_elements(warnings) w order by seq"""
    )
    return [tuple(row) for row in rows]


async def test_rows_without_their_parent_refer_to_one_marked_row_made_once(target: Target, enforced: bool) -> None:
    run = await target.run({"projects": projects(enforced=enforced)}, batches=2)
    first = await target.load(batch(run, "projects"), some(1, 8))
    second = await target.load(batch(run, "projects", 2), some(9, 12))
    assert (first.counts, second.counts) == (Counts(read=8, loaded=8), Counts(read=4, loaded=4))
    assert [tuple(row) for row in await target.connection.fetch(MADE)] == [
        ("Unknown", "guest", None, '{"placeholder": true}')
    ]
    turned = await target.connection.fetchval("select count(*) from projects where creator_id = $1", NOBODY)
    assert turned == 7
    assert await warnings(target) == [("placeholder_parent", "creator_id", 3), ("placeholder_parent", "creator_id", 4)]


async def test_no_placeholder_is_made_where_no_parent_is_missing(target: Target, enforced: bool) -> None:
    run = await target.run({"projects": projects(enforced=enforced)})
    await target.load(batch(run, "projects"), some(1, 5))
    assert await target.connection.fetch(MADE) == []
    assert await warnings(target) == []


async def test_a_row_that_named_no_parent_brings_the_placeholder_with_it(target: Target, enforced: bool) -> None:
    rows = f"select md5('project ' || g)::uuid, '{NOBODY}'::uuid from generate_series(1, 3) g"  # noqa: S608 - a UUID
    loading = projects(enforced=enforced, default=MissingParent.QUARANTINE)
    run = await target.run({"projects": loading})
    settled = await target.load(batch(run, "projects"), Body(select=rows, placeholders={"people": NOBODY}))
    assert settled.counts == Counts(read=3, loaded=3)
    assert len(await target.connection.fetch(MADE)) == 1
    assert await warnings(target) == []


async def test_a_placeholder_that_the_target_refuses_ends_the_run(target: Target, enforced: bool) -> None:
    values = ("Unknown", "nobody", "{}", None)
    bad = PlaceholderRow(
        **{name: getattr(PLACEHOLDER, name) for name in PLACEHOLDER.__struct_fields__} | {"values": values}
    )
    run = await target.run({"projects": projects(enforced=enforced, placeholder=bad)})
    with pytest.raises(RunError) as raised:
        await target.load(batch(run, "projects"), some(1, 8))
    assert raised.value.code == "placeholder_refused"
    assert await target.connection.fetchval("select count(*) from projects") == 0
