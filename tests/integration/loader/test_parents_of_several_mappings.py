"""A column may refer to rows of several mappings: its parent must be in one of their tables, not in all of them."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.messages.data import Reason, RefusedRow
from shared.plan.model import MissingParent
from tests.loading.target import Body, Target, batch, keys, program, reference

TABLES = """
create table cats (id uuid primary key);
create table dogs (id uuid primary key);
insert into cats select md5('cat ' || g)::uuid from generate_series(1, 9) g;
insert into dogs select md5('dog ' || g)::uuid from generate_series(1, 9) g;
create table walks (id uuid primary key, animal_id uuid);
"""
WALKS = """
select md5('walk ' || g)::uuid, case when g % 2 = 0 then md5('cat ' || g)::uuid else md5('dog ' || g)::uuid end
  from generate_series(1, 12) g
"""
"""Cats 10 and 12 and dog 11 are in no table."""


def either(**fates: MissingParent) -> tuple[object, ...]:
    return tuple(reference("animal_id", name, name, enforced=False, **fates) for name in ("cats", "dogs"))


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


async def test_a_parent_in_any_of_the_tables_is_there(ground: Target) -> None:
    run = await ground.run({"walks": program("walks", ("id", "animal_id"), references=either())})
    settled = await ground.load(batch(run, "walks"), Body(select=WALKS))
    assert settled.counts == Counts(read=12, loaded=9, quarantined=3)
    assert await ground.reasons(run) == {("missing_parent", "animal_id", ""): 3}


async def test_what_nobody_knows_waits_for_none_of_the_mappings(ground: Target) -> None:
    run = await ground.run({"walks": program("walks", ("id", "animal_id"), references=either())})
    await ground.load(batch(run, "walks"), Body(select=WALKS))
    waiting = await ground.connection.fetchval("select array_agg(distinct waits_for) from transfuse.quarantine")
    assert waiting == [""]


async def test_what_became_of_the_parent_is_found_in_whichever_mapping_it_was(ground: Target) -> None:
    refers = either(filtered=MissingParent.FILTER_TOO, absent=MissingParent.NULL_IT)
    mappings = {name: program(name, ("id",)) for name in ("cats", "dogs")}
    run = await ground.run({**mappings, "walks": program("walks", ("id", "animal_id"), references=refers)})
    nothing = "select id from cats where false"
    (quarantined,) = keys([11], "dog")
    refused = RefusedRow(legacy_key="11", target_key=quarantined.bytes, reasons=(Reason(code="required"),), row=b"{}")
    await ground.load(batch(run, "cats"), Body(select=nothing, filtered=tuple(keys([10], "cat"))))
    await ground.load(batch(run, "dogs"), Body(select=nothing, refused=(refused,)))

    settled = await ground.load(batch(run, "walks"), Body(select=WALKS))

    assert settled.counts == Counts(read=12, loaded=10, filtered=1, quarantined=1)
    waiting = "select waits_for from transfuse.quarantine where mapping = 'walks'"
    assert await ground.connection.fetchval(waiting) == "dogs"
    assert await ground.connection.fetchval("select count(*) from walks where animal_id is null") == 1
