"""A merge brings the same plan again: new rows are inserted, those that differ updated, equal ones left alone."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.states import Encoding, LoadMode
from tests.loading.target import Body, Target, batch, keys, program

PEOPLE = program("people", ("id", "name", "mood", "code"))
SELECT = "select md5('row ' || g)::uuid, 'name ' || g, 'calm'::mood, g from generate_series(1, 20) g"
LATER = SELECT.replace("1, 20", "3, 22").replace("'name ' || g", "case when g < 6 then 'other' else 'name ' || g end")


@pytest.fixture
async def people(target: Target) -> Target:
    await target.connection.execute(
        """create type mood as enum ('calm', 'sad');
           create table people (id uuid primary key, name text not null, mood mood, code integer unique,
                                own text default 'theirs')"""
    )
    return target


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_merge_inserts_updates_and_rewrites_nothing_that_is_equal(people: Target, encoding: Encoding) -> None:
    await people.load(batch(await people.run({"people": PEOPLE}), "people"), Body(select=SELECT))
    await people.connection.execute("update people set own = 'ours'")
    before = dict(await people.connection.fetch("select code, xmin::text from people"))
    run = await people.run({"people": PEOPLE})

    await people.load(batch(run, "people"), Body(select=LATER, encoding=encoding), LoadMode.MERGE)

    assert await people.counts(batch(run, "people")) == Counts(read=20, loaded=2, updated=3, unchanged=15)
    after = dict(await people.connection.fetch("select code, xmin::text from people"))
    assert [code for code in before if after[code] != before[code]] == [3, 4, 5]
    assert await people.connection.fetch("select id, name, mood, code from people where code > 2 order by code") == (
        await people.connection.fetch(LATER)
    )
    assert await people.connection.fetchval("select count(*) from people where own = 'ours'") == 20
    manifest = await people.manifest(batch(run, "people"))
    assert manifest == {
        "written": keys([21, 22]), "updated": keys([3, 4, 5]), "unchanged": keys(range(6, 21)), "filtered": set(),
        "quarantined": set(),
    }  # fmt: skip


async def test_a_second_merge_finds_everything_unchanged(people: Target) -> None:
    for expected in (Counts(read=20, loaded=20), Counts(read=20, unchanged=20)):
        run = await people.run({"people": PEOPLE})
        await people.load(batch(run, "people"), Body(select=SELECT), LoadMode.MERGE)
        assert await people.counts(batch(run, "people")) == expected


async def test_another_unique_key_that_is_taken_is_the_fault_of_the_row(people: Target) -> None:
    await people.load(batch(await people.run({"people": PEOPLE}), "people"), Body(select=SELECT))
    run = await people.run({"people": PEOPLE})
    taken = SELECT.replace("1, 20", "19, 22").replace(
        ", g from", ", case g when 20 then 1 when 22 then 2 else g end from"
    )

    await people.load(batch(run, "people"), Body(select=taken), LoadMode.MERGE)

    assert await people.counts(batch(run, "people")) == Counts(read=4, loaded=1, unchanged=1, quarantined=2)
    assert await people.reasons(run) == {("duplicate_of", "code", "23505"): 2}
    assert await people.connection.fetchval("select code from people where name = 'name 20'") == 20
