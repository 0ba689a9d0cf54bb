"""Rows that an earlier run refused: written, left out or refused again by a later run of the same migration."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.states import LoadMode
from shared.messages.data import Reason, RefusedRow
from tests.loading.target import Body, Target, batch, program

TABLE = "create table people (id uuid primary key, name text, age integer check (age > 0))"
PEOPLE = {"people": program("people", ("id", "name", "age"))}
STATES = "select q.resolution from transfuse.quarantine q where q.run_id = $1 order by q.target_key"


def key(number: int) -> UUID:
    return UUID(int=number)


def refused(*numbers: int) -> tuple[RefusedRow, ...]:
    return tuple(
        RefusedRow(
            legacy_key=f"legacy {number}",
            target_key=key(number).bytes,
            reasons=(Reason(code="rule", column="good"),),
            row=b'{"p.name": "x"}',
        )
        for number in numbers
    )


def body(*numbers: int, age: int = 5, again: tuple[int, ...] = (), filtered: tuple[int, ...] = ()) -> Body:
    """Rows that are good, rows that the transformer refuses, rows that it leaves out."""
    values = ", ".join(f"('{key(number)}'::uuid, 'n{number}', {age})" for number in numbers)
    none = "select '00000000-0000-0000-0000-000000000000'::uuid, '', 0 where false"
    return Body(
        select=f"select * from (values {values}) v" if numbers else none,  # noqa: S608 - constants
        refused=refused(*again),
        filtered=tuple(map(key, filtered)),
    )


async def states(target: Target, run: UUID) -> list[str]:
    return [row[0] or "waiting" for row in await target.connection.fetch(STATES, run)]


@pytest.fixture
async def first(target: Target) -> UUID:
    """A run that refused the rows 1 to 4."""
    await target.connection.execute(TABLE)
    run = await target.run(PEOPLE)
    await target.load(batch(run, "people"), body(9, again=(1, 2, 3, 4)))
    return run


async def test_a_later_run_says_of_each_row_what_became_of_it(target: Target, first: UUID) -> None:
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1, again=(2,), filtered=(3,)))
    assert await states(target, first) == ["replayed", "replaced", "filtered", "waiting"]
    assert await states(target, later) == ["waiting"]
    found = await target.connection.fetch(
        "select resolved_by_run, resolved_at is null from transfuse.quarantine where run_id = $1 and resolution <> ''",
        first,
    )
    assert {tuple(row) for row in found} == {(later, False)}


async def test_what_is_found_equal_in_the_target_waits_no_longer(target: Target, first: UUID) -> None:
    await target.connection.execute("insert into people values ($1, 'n1', 5)", key(1))
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1))
    assert (await states(target, first))[0] == "replayed"


async def test_what_the_target_refuses_again_waits_in_the_later_run(target: Target, first: UUID) -> None:
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1, age=-1))
    assert await states(target, first) == ["replaced", "waiting", "waiting", "waiting"]
    assert await states(target, later) == ["waiting"]
    last = await target.run(PEOPLE)
    await target.load(batch(last, "people"), body(1))
    assert (await states(target, first))[0] == "replayed"
    assert await states(target, later) == ["replayed"]


async def test_a_run_of_another_migration_resolves_nothing(target: Target, first: UUID) -> None:
    other = await target.run(PEOPLE, migration="other")
    await target.load(batch(other, "people"), body(1))
    assert await states(target, first) == ["waiting"] * 4


async def test_a_back_fill_resolves_nothing_of_whole_rows(target: Target, first: UUID) -> None:
    await target.connection.execute("insert into people values ($1, 'old', 5)", key(1))
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1), LoadMode.PATCH)
    assert await states(target, first) == ["waiting"] * 4


async def test_what_an_undone_run_resolved_waits_again(target: Target, first: UUID) -> None:
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1, again=(2,), filtered=(3,)))
    await target.connection.execute("update transfuse.run set undone_at = now() where id = $1", later)
    assert await states(target, first) == ["waiting"] * 4


async def test_rows_that_retention_removed_are_counted_on(target: Target, first: UUID) -> None:
    later = await target.run(PEOPLE)
    await target.load(batch(later, "people"), body(1, filtered=(3,)))
    await target.run(PEOPLE)
    before = (await target.ledger.progress.read(first)).resolved
    await target.connection.execute("delete from transfuse.quarantine where run_id = $1 and resolution <> ''", first)
    (found,) = (await target.ledger.progress.read(first)).resolved
    assert (found,) == before
    assert (found.waiting, found.replayed, found.filtered) == (2, 1, 1)
