"""A batch is loaded and settled once, whoever brings it and however often."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.errors import RunError, SchemaDrifted, WorldError
from shared.core.states import Encoding
from shared.ledger.settling import Claim
from shared.messages.data import Reason, RefusedRow, Warned
from tests.loading.target import Body, Target, batch, keys, program

PEOPLE = program("people", ("id", "name", "born"))
SELECT = "select md5('row ' || g)::uuid, 'name ' || g, date '1970-01-01' + g from generate_series(1, 20) g"


@pytest.fixture
async def people(target: Target) -> Target:
    await target.connection.execute("create table people (id uuid primary key, name text not null, born date)")
    return target


async def test_a_batch_and_its_settlement_are_one_transaction_and_its_manifest_finds_its_rows(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    refused = RefusedRow(
        legacy_key="21", target_key=bytes(16), reasons=(Reason(code="cast", column="born"),), row=b'{"p.dob":"never"}'
    )
    warned = Warned(reason=Reason(code="codebook", column="sex"), count=3)
    body = Body(select=SELECT, refused=(refused,), filtered=(UUID(int=5), UUID(int=6)), warned=(warned,))

    settled = await people.load(batch(run, "people"), body)

    expected = Counts(read=23, loaded=20, filtered=2, quarantined=1)
    assert settled.counts == expected
    assert await people.counts(batch(run, "people")) == expected
    assert await people.manifest(batch(run, "people")) == {
        "written": keys(range(1, 21)),
        "updated": set(),
        "unchanged": set(),
        "filtered": {UUID(int=5), UUID(int=6)},
        "quarantined": {UUID(int=0)},
    }
    assert (
        await people.connection.fetchval(
            "select count(*) from people p join transfuse.manifest m on m.transaction_id::xid = p.xmin"
        )
        == 20
    )
    ((row, legacy_key, opened),) = await people.quarantined(run)
    assert (row["stage"], legacy_key, opened) == ("transform", "21", {"p.dob": "never"})
    assert row["masked"] == '{"p.dob": {"kind": "letters", "length": 5}}'
    warnings = await people.connection.fetchval("select warnings from transfuse.batch")
    assert warnings == '[{"code": "codebook", "count": 3, "column": "sex", "sqlstate": ""}]'


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_both_encodings_load(people: Target, encoding: Encoding) -> None:
    run = await people.run({"people": PEOPLE})
    await people.load(batch(run, "people"), Body(select=SELECT, encoding=encoding))
    assert await people.connection.fetch("select * from people order by born") == await people.connection.fetch(SELECT)


async def test_a_batch_without_rows_settles(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    settled = await people.load(batch(run, "people"), Body(select=SELECT + " where false", filtered=(UUID(int=5),)))
    assert settled.counts == Counts(read=1, filtered=1)


async def test_a_duplicate_finds_itself_settled_and_changes_nothing(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    first = await people.load(batch(run, "people"), Body(select=SELECT))
    again = await people.load(batch(run, "people"), Body(select=SELECT))
    assert (first.claim, again.claim, again.counts) == (Claim.CLAIMED, Claim.SETTLED, None)
    assert await people.connection.fetchval("select count(*) from people") == 20


async def test_copies_of_a_batch_at_the_same_time_settle_it_once(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    message = await people.message(batch(run, "people"), Body(select=SELECT))
    settled = await asyncio.gather(*(people.loader.load(message) for _ in range(8)))
    claims = [one.claim for one in settled]
    assert claims.count(Claim.CLAIMED) == 1
    assert set(claims) <= {Claim.CLAIMED, Claim.TAKEN, Claim.SETTLED}
    assert (await people.counts(batch(run, "people"))).loaded == 20


@pytest.mark.parametrize("generation", (1, 3))
async def test_another_generation_than_the_ledgers_is_dropped(people: Target, generation: int) -> None:
    run = await people.run({"people": PEOPLE})
    await people.connection.execute("update transfuse.batch set generation = 2")
    settled = await people.load(batch(run, "people", generation=generation), Body(select=SELECT))
    assert settled.claim is Claim.DROPPED
    assert await people.connection.fetchval("select count(*) from people") == 0


@pytest.mark.parametrize("state", ("failed", "split"))
async def test_a_batch_that_failed_or_was_split_is_dropped(people: Target, state: str) -> None:
    run = await people.run({"people": PEOPLE})
    await people.connection.execute("update transfuse.batch set state = $1", state)
    assert (await people.load(batch(run, "people"), Body(select=SELECT))).claim is Claim.DROPPED


async def test_nothing_commits_after_cancelled(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    await people.ledger.runs.cancel(run, actor="tester")
    assert (await people.load(batch(run, "people"), Body(select=SELECT))).claim is Claim.DROPPED
    assert await people.connection.fetchval("select count(*) from people") == 0


async def test_a_batch_in_flight_settles_after_a_pause(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    await people.ledger.runs.pause(run, actor="tester")
    assert (await people.load(batch(run, "people"), Body(select=SELECT))).claim is Claim.CLAIMED


async def test_while_somebody_changes_the_run_the_batch_is_put_back(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    message = await people.message(batch(run, "people"), Body(select=SELECT))
    async with people.connection.transaction():
        await people.connection.execute("select pg_advisory_xact_lock(transfuse.run_lock_key($1))", run)
        with pytest.raises(WorldError) as told:
            await people.loader.load(message)
    assert told.value.code == "run_locked"
    assert (await people.loader.load(message)).claim is Claim.CLAIMED


async def test_an_unknown_run_is_dropped(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    message = await people.message(batch(run, "people"), Body(select=SELECT))
    await people.connection.execute("delete from transfuse.run_key")
    assert (await people.loader.load(message)).claim is Claim.DROPPED


async def test_a_repeated_key_stops_the_run_and_writes_nothing(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    with pytest.raises(RunError) as told:
        await people.load(batch(run, "people"), Body(select=f"{SELECT} union all {SELECT}"))
    assert told.value.code == "key_repeated"
    assert await people.connection.fetchval("select count(*) from people") == 0


async def test_rows_that_a_trigger_swallows_stop_the_run(people: Target) -> None:
    await people.connection.execute(
        """create function swallow() returns trigger language plpgsql as 'begin return null; end';
           create trigger swallow before insert on people for each row execute function swallow()"""
    )
    run = await people.run({"people": PEOPLE})
    with pytest.raises(RunError) as told:
        await people.load(batch(run, "people"), Body(select=SELECT))
    assert told.value.code == "rows_miscounted"
    assert (await people.counts(batch(run, "people"))).read == 0


async def test_a_column_that_is_gone_is_told_by_name(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    await people.connection.execute("alter table people drop column born")
    with pytest.raises(SchemaDrifted, match=r"target public\.people\.born \(is gone\)"):
        await people.load(batch(run, "people"), Body(select=SELECT))


async def test_names_of_any_kind_are_quoted(target: Target) -> None:
    table, columns = 'a "table"; drop', ("id", 'na"me', "select", "ümlaut %s {x} $1", "ordinal")
    types = ", ".join('"' + name.replace('"', '""') + '" text' for name in columns[1:])
    await target.connection.execute(f"""create table "a ""table""; drop" (id uuid primary key, {types})""")
    loading = program(table, columns)
    select = "select md5('row ' || g)::uuid, g::text, 'b', 'c', 'd' from generate_series(1, 5) g"
    for unchanged in (0, 5):
        run = await target.run({'map"ping': loading})
        settled = await target.load(batch(run, 'map"ping'), Body(select=select))
        assert settled.counts == Counts(read=5, loaded=5 - unchanged, unchanged=unchanged)
    rows = await target.connection.fetch('select * from "a ""table""; drop"')
    assert sorted(tuple(row)[1:] for row in rows) == [(str(place), "b", "c", "d") for place in range(1, 6)]
