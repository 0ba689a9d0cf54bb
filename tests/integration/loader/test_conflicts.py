"""Rows that somebody changed in the target since a run wrote them: the plan says who wins."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from shared.core.counts import Counts
from shared.core.states import LoadMode
from shared.plan.model import Changed, MissingParent
from tests.loading.removals import warned
from tests.loading.target import Body, Target, batch, keys, program, reference

PEOPLE = program("people", ("id", "name", "code"))
SELECT = "select md5('row ' || g)::uuid, '{}' || g, g from generate_series(1, 6) g"
OLD, NEW = Body(select=SELECT.format("name ")), Body(select=SELECT.format("new "))
MENDED = "update people set name = 'mended' where code in (2, 3)"
CHANGED = {("changed_in_target", ""): 2}


@pytest.fixture
async def people(target: Target) -> Target:
    await target.connection.execute("create table people (id uuid primary key, name text, code integer, own text)")
    return target


async def merged(people: Target, body: Body, changed: Changed = Changed.SOURCE_WINS) -> UUID:
    run = await people.run({"people": msgspec.structs.replace(PEOPLE, changed=changed)})
    await people.load(batch(run, "people"), body, LoadMode.MERGE)
    return run


async def names(people: Target) -> list[str]:
    found: list[str] = await people.connection.fetchval("select array_agg(name order by code) from people")
    return found


async def test_the_source_wins_and_says_so(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute(MENDED)
    run = await merged(people, NEW)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=6)
    assert await names(people) == [f"new {code}" for code in range(1, 7)]
    assert await warned(people, run) == CHANGED
    # From here on the rows are ours again.
    assert await warned(people, await merged(people, OLD)) == {}


async def test_the_target_wins_and_the_row_is_not_written(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute(MENDED)
    run = await merged(people, NEW, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=4, unchanged=2)
    assert await names(people) == ["new 1", "mended", "mended", "new 4", "new 5", "new 6"]
    assert await warned(people, run) == CHANGED
    assert (await people.manifest(batch(run, "people")))["unchanged"] == keys([2, 3])


async def test_a_person_decides_and_the_row_waits_in_quarantine(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute(MENDED)
    run = await merged(people, NEW, Changed.QUARANTINE)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=4, quarantined=2)
    assert await names(people) == ["new 1", "mended", "mended", "new 4", "new 5", "new 6"]
    assert await people.reasons(run) == {("changed_in_target", "", ""): 2}
    assert {row["name"] for _, _, row in await people.quarantined(run)} == {"new 2", "new 3"}
    assert await warned(people, run) == {}


async def test_rows_of_every_earlier_run_are_the_migrations_own(people: Target) -> None:
    await merged(people, OLD)
    await merged(people, Body(select=SELECT.format("name ").replace("1, 6", "1, 3")))
    run = await merged(people, NEW, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=6)


async def test_rows_whose_manifests_retention_took_are_the_migrations_own_still(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute("delete from transfuse.manifest")
    run = await merged(people, NEW, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=6)


async def test_rows_of_another_migration_are_somebody_elses(people: Target) -> None:
    run = await people.run({"people": PEOPLE}, migration="other")
    await people.load(batch(run, "people"), OLD, LoadMode.MERGE)
    run = await merged(people, NEW, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, unchanged=6)


async def test_in_a_table_that_was_rewritten_equal_rows_are_unchanged_and_others_changed(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute(
        "alter table people alter code type bigint; alter table people alter code type integer"
    )
    mixed = Body(select=SELECT.format("name ").replace("'name ' ||", "case when g < 3 then 'new ' else 'name ' end ||"))
    run = await merged(people, mixed, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, unchanged=6)
    assert await warned(people, run) == CHANGED


async def test_a_column_that_no_mapping_fills_makes_a_row_somebody_elses(people: Target) -> None:
    await merged(people, OLD)
    await people.connection.execute("update people set own = 'theirs' where code = 1")
    run = await merged(people, NEW, Changed.TARGET_WINS)
    assert await people.counts(batch(run, "people")) == Counts(read=6, updated=5, unchanged=1)


async def test_a_row_that_the_target_keeps_needs_no_parent(people: Target) -> None:
    await people.connection.execute(
        "create table towns (id uuid primary key); alter table people add town uuid references towns"
    )
    loading = program(
        "people",
        ("id", "name", "code", "town"),
        references=(reference("town", "towns", "towns", default=MissingParent.QUARANTINE),),
        changed=Changed.TARGET_WINS,
    )
    towns = program("towns", ("id",))
    select = SELECT.format("{}").replace(", g from", ", g, {} from")
    pairs = (("name ", "null::uuid"), ("new ", "md5('none')::uuid"))
    bodies = [Body(select=select.format(name, town)) for name, town in pairs]
    run = await people.run({"people": loading, "towns": towns})
    await people.load(batch(run, "people"), bodies[0], LoadMode.MERGE)
    await people.connection.execute(MENDED)
    run = await people.run({"people": loading, "towns": towns})
    await people.load(batch(run, "people"), bodies[1], LoadMode.MERGE)
    assert await people.counts(batch(run, "people")) == Counts(read=6, unchanged=2, quarantined=4)


@pytest.mark.parametrize("changed", (Changed.TARGET_WINS, Changed.QUARANTINE))
async def test_a_second_pass_leaves_what_somebody_changed(people: Target, changed: Changed) -> None:
    await people.connection.execute("alter table people add boss uuid")
    first = msgspec.structs.replace(PEOPLE, changed=changed)
    second = msgspec.structs.replace(program("people", ("id", "boss")), changed=changed)
    bosses = Body(select="select md5('row ' || g)::uuid, md5('row 1')::uuid from generate_series(1, 6) g")
    await merged(people, OLD)
    await people.connection.execute("update people set own = 'theirs' where code = 2")
    run = await people.second({"people": first}, {"people": second})
    await people.load(batch(run, "people"), OLD, LoadMode.MERGE)
    await people.load(batch(run, "people", pass_number=2), bosses, LoadMode.PATCH)
    counts = await people.counts(batch(run, "people", pass_number=2))
    refused = {"quarantined": 1} if changed is Changed.QUARANTINE else {"unchanged": 1}
    assert counts == Counts(read=6, updated=5, **refused)
    assert await people.connection.fetchval("select array_agg(code) from people where boss is null") == [2]
