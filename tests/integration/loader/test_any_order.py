"""In whatever order the batches of a run settle, the target is the same."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

from shared.core.ids import BatchRef
from shared.core.states import RunState
from shared.messages.data import LoadBatch
from shared.plan.model import MissingParent
from tests.ledgers.ledger import batches
from tests.loading.target import Body, Target, program, reference

TABLES = """
create table towns (id uuid primary key, name text not null);
create table people (id uuid primary key, town_id uuid references towns, email text unique, born date);
create table visits (id uuid primary key, person_id uuid not null references people, note text);
"""
TOWNS = "select md5('town ' || g)::uuid, nullif('town ' || g, 'town 7') from generate_series({0}, {0} + 9) g"
PEOPLE = """
select md5('person ' || g)::uuid, md5('town ' || (g * 7 % 33))::uuid, 'p' || g % 37 || '@example.org',
       date '1970-01-01' + g
  from generate_series({0}, {0} + 9) g order by g
"""
GUESTS = """
select md5('guest ' || g)::uuid, null::uuid, 'p' || g * 3 || '@example.org', date '1980-01-01' + g
  from generate_series({0}, {0} + 9) g order by g
"""
VISITS = """
select md5('visit ' || g)::uuid, md5('person ' || (g * 11 % 45))::uuid, 'note ' || g
  from generate_series({0}, {0} + 9) g
"""
MAPPINGS = {
    "towns": (program("towns", ("id", "name")), TOWNS, ()),
    "people": (
        program(
            "people",
            ("id", "town_id", "email", "born"),
            in_seq_order=True,
            references=(reference("town_id", "towns", "towns", default=MissingParent.NULL_IT),),
        ),
        PEOPLE,
        ("towns",),
    ),
    "guests": (program("people", ("id", "town_id", "email", "born")), GUESTS, ("people",)),
    "visits": (
        program("visits", ("id", "person_id", "note"), references=(reference("person_id", "people", "people"),)),
        VISITS,
        ("people",),
    ),
}
BATCHES = 3
ORDERS = 100
HASH = """
select md5(string_agg(line, e'\\n' order by line)) from (
    select 'town ' || t::text from towns t
    union all select 'person ' || p::text from people p
    union all select 'visit ' || v::text from visits v
    union all select 'refused ' || q.mapping || q.target_key || q.reasons::text
                from transfuse.quarantine q where q.run_id = $1
    union all select b.mapping || b.seq || ': ' || b.loaded || ', ' || b.quarantined || b.warnings::text
                from transfuse.batch b where b.run_id = $1
) as lines (line)
"""


class Clinic:
    """A small plan whose rows meet in every way: missing parents, duplicates within a mapping and between two."""

    def __init__(self, target: Target) -> None:
        self.target = target

    async def run(self) -> UUID:
        """A run that is planned, over empty tables."""
        connection = self.target.connection
        await connection.execute("delete from visits; delete from people; delete from towns")
        run = await self.target.run({name: loading for name, (loading, _, _) in MAPPINGS.items()}, batches=BATCHES)
        await connection.execute("update transfuse.batch set state = 'planned' where run_id = $1", run)
        for name, (loading, _, depends_on) in MAPPINGS.items():
            await connection.execute(
                """update transfuse.run_mapping set depends_on = $3, in_seq_order = $4
                    where run_id = $1 and mapping = $2""",
                *(run, name, list(depends_on), loading.in_seq_order),
            )
        return run

    async def settle(self, run: UUID, order: random.Random) -> None:
        """What the dispatcher issues, settled in a random order, two at a time."""
        dispatch = self.target.ledger.dispatch(window=100)
        while issued := batches(await dispatch.tick()):
            order.shuffle(issued)
            messages = [await self.message(ref) for ref in issued]
            for start in range(0, len(messages), 2):
                settled = await asyncio.gather(*map(self.target.loader.load, messages[start : start + 2]))
                assert all(one.counts is not None for one in settled)

    async def message(self, ref: BatchRef) -> LoadBatch:
        """One batch, its rows as they are whenever it is read."""
        select = MAPPINGS[ref.mapping][1].format(ref.seq * 10 - 9)
        return await self.target.message(ref, Body(select=select))


async def test_a_hundred_orders_of_the_batches_give_one_target(target: Target) -> None:
    await target.connection.execute(TABLES)
    clinic = Clinic(target)
    hashes = set()
    runs = []
    for seed in range(ORDERS):
        run = await clinic.run()
        runs.append(run)
        await clinic.settle(run, random.Random(seed))  # noqa: S311 - an order, no secret
        assert await target.ledger.state(run) == RunState.FINISHING
        hashes.add(await target.connection.fetchval(HASH, run))
    assert len(hashes) == 1
    counts = await target.connection.fetchrow(
        "select sum(loaded), sum(quarantined) from transfuse.batch where run_id = $1", runs[-1]
    )
    reasons = {code for code, _, _ in await target.reasons(runs[-1])}
    assert (sum(counts), reasons) == (BATCHES * 10 * len(MAPPINGS), {"required", "duplicate_of", "missing_parent"})
