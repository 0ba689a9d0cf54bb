"""Rows that wait for a parent are replayed by themselves when it has arrived, each once."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.finish import finish_run
from services.loader.runs import LoadRuns
from shared.core.run_options import ReplayChoice, RunOptions
from shared.ledger.replays import follower
from tests.loading.target import Body, Target, batch, program, reference

TABLES = """
create table people (id uuid primary key, name text);
create table orders (id uuid primary key, person_id uuid not null references people, payer_id uuid references people);
insert into transfuse.target_schema values ('public');
"""
PEOPLE = program("people", ("id", "name"))
ORDERS = program(
    "orders",
    ("id", "person_id", "payer_id"),
    references=(reference("person_id", "people", "people"), reference("payer_id", "people", "people")),
)
ORDERS = msgspec.structs.replace(ORDERS, column_types=("uuid", "uuid", "uuid"))
BOTH = {"people": PEOPLE, "orders": ORDERS}


def person(number: int) -> UUID:
    return UUID(int=100 + number)


def orders(*numbers: tuple[int, int, int | None]) -> Body:
    rows = ", ".join(
        f"('{UUID(int=order)}'::uuid, '{person(who)}'::uuid, nullif('{person(payer or 0)}', '{person(0)}')::uuid)"
        for order, who, payer in numbers
    )
    return Body(select=f"select * from (values {rows}) v")  # noqa: S608 - constants


def people(*numbers: int) -> Body:
    rows = ", ".join(f"('{person(number)}'::uuid, 'name')" for number in numbers)
    return Body(select=f"select * from (values {rows}) v")  # noqa: S608 - constants


@pytest.fixture
async def first(target: Target) -> UUID:
    """A completed run of which three orders wait: one for person 1, one for person 2, one for both."""
    await target.connection.execute(TABLES)
    run = await target.run(BOTH)
    await target.load(batch(run, "people"), people(9))
    await target.load(batch(run, "orders"), orders((1, 1, None), (2, 2, None), (3, 1, 2), (4, 9, None)))
    assert await ended(target, run) is None
    return run


async def ended(target: Target, run: UUID) -> UUID | None:
    """Finish a run, and the replay that it starts."""
    await target.connection.execute(
        """update transfuse.run_mapping m set driving_rows = b.read, from_rows = b.read
             from (select mapping, sum(read_count) as read from transfuse.batch where run_id = $1 group by 1) b
            where m.run_id = $1 and m.mapping = b.mapping""",
        run,
    )
    await target.connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
    await finish_run(target.ledger.pool, run, LoadRuns(target.keyring))
    assert await target.ledger.state(run) == "completed"
    return await follower(target.connection, run)


async def arriving(target: Target, *numbers: int) -> UUID:
    """A run that loads people."""
    run = await target.run({"people": PEOPLE})
    await target.load(batch(run, "people"), people(*numbers))
    return run


async def marked(target: Target, replay: UUID) -> list[int]:
    rows = await target.connection.fetch(
        "select target_key from transfuse.quarantine where replay_run = $1 order by target_key", replay
    )
    return [row[0].int for row in rows]


async def played(target: Target, replay: UUID, body: Body | None) -> None:
    """The work of a replay: what the extractor plans, and a batch."""
    await target.connection.execute("update transfuse.run set state = 'planning' where id = $1", replay)
    other = await target.connection.fetchrow("select compiled from transfuse.run where compiled is not null limit 1")
    await target.connection.execute(
        "update transfuse.run set state = 'running', compiled = $2, snapshot_count = 1 where id = $1", replay, other[0]
    )
    await target.connection.execute(
        """insert into transfuse.run_mapping (run_id, mapping, position, cut_complete, driving_rows, from_rows)
           values ($1, 'orders', 0, true, 0, 0)""",
        replay,
    )
    await target.connection.execute(
        "insert into transfuse.batch (run_id, mapping, seq, state) values ($1, 'orders', 1, 'dispatched')", replay
    )
    key = target.keys[replay] = type(next(iter(target.keys.values()))).generate()
    await target.connection.execute(
        "insert into transfuse.run_key (run_id, wrapped) values ($1, $2)",
        *(replay, target.keyring.wrap(key.data_key, replay)),
    )
    if body is not None:
        await target.load(batch(replay, "orders"), body)


async def test_rows_all_of_whose_parents_are_there_are_replayed_by_themselves(target: Target, first: UUID) -> None:
    replay = await ended(target, await arriving(target, 1))
    assert replay is not None
    assert await marked(target, replay) == [1]
    row = await target.connection.fetchrow(
        "select kind, mode, actor, about_run, options::text, state from transfuse.run where id = $1", replay
    )
    assert (row["kind"], row["mode"], row["actor"], row["about_run"], row["state"]) == (
        *("replay", "insert", "transfuse"),
        *(first, "pending"),
    )
    options = msgspec.json.decode(row["options"], type=RunOptions)
    assert options.replay == ReplayChoice(marked=True)


@pytest.mark.usefixtures("first")
async def test_a_run_that_brings_no_parent_starts_nothing(target: Target) -> None:
    assert await ended(target, await arriving(target, 7)) is None


@pytest.mark.usefixtures("first")
async def test_a_row_that_was_replayed_by_itself_once_is_left_to_people(target: Target) -> None:
    replay = await ended(target, await arriving(target, 1))
    assert replay is not None
    await target.connection.execute("update transfuse.run set state = 'cancelled' where id = $1", replay)
    assert await ended(target, await arriving(target, 8)) is None


@pytest.mark.usefixtures("first")
async def test_after_a_replay_that_brought_nothing_in_none_is_started(target: Target) -> None:
    replay = await ended(target, await arriving(target, 1))
    assert replay is not None
    await target.connection.execute("insert into people values ($1, 'by hand')", person(2))
    await played(target, replay, orders((1, 5, None)))
    assert await ended(target, replay) is None


@pytest.mark.usefixtures("first")
async def test_a_replay_that_brought_rows_in_is_followed_by_the_next(target: Target) -> None:
    replay = await ended(target, await arriving(target, 1))
    assert replay is not None
    await target.connection.execute("insert into people values ($1, 'by hand')", person(2))
    await played(target, replay, orders((1, 1, None)))
    following = await ended(target, replay)
    assert following is not None
    assert await marked(target, following) == [2, 3]


async def test_rows_of_an_undone_run_are_not_replayed(target: Target, first: UUID) -> None:
    await target.connection.execute("update transfuse.run set undone_at = now() where id = $1", first)
    assert await ended(target, await arriving(target, 1)) is None
