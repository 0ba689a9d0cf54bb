"""Two mappings may write one table: a key that the other has taken is told, and each row knows whose it was."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.plan.compiled import LoadProgram
from shared.plan.model import MissingParent
from tests.loading.target import Body, Target, batch, program, reference

TABLES = """
create table comments (
    id uuid primary key, content text not null, legacy_table text, legacy_id integer, unique (legacy_table, legacy_id)
);
create table details (id uuid primary key, comment_id uuid references comments (id));
"""
COLUMNS = ("id", "content", "legacy_table", "legacy_id")
OF_PLANS = "select md5('plan ' || g)::uuid, 'text', 'plan', g from generate_series(1, 10) g"


def both() -> dict[str, LoadProgram]:
    return {name: program("comments", COLUMNS, in_seq_order=True) for name in ("of_plans", "of_doctors")}


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


async def test_the_same_numbers_of_two_tables_do_not_meet(ground: Target) -> None:
    run = await ground.run(both())
    await ground.load(batch(run, "of_plans"), Body(select=OF_PLANS))
    settled = await ground.load(batch(run, "of_doctors"), Body(select=OF_PLANS.replace("plan", "doctor")))
    assert settled.counts == Counts(read=10, loaded=10)
    assert await ground.connection.fetchval("select count(*) from comments") == 20


@pytest.mark.parametrize(
    ("rows", "taken", "reason"),
    (
        (OF_PLANS.replace("'text'", "case when g < 4 then 'other' else 'text' end"), 3, ("key_taken", "id", "")),
        (OF_PLANS.replace("md5('plan ", "md5('doctor "), 10, ("duplicate_of", "legacy_table, legacy_id", "23505")),
    ),
)
async def test_a_key_that_the_other_mapping_has_taken_is_told(
    ground: Target, rows: str, taken: int, reason: tuple[str, str, str]
) -> None:
    run = await ground.run(both())
    await ground.load(batch(run, "of_plans"), Body(select=OF_PLANS))
    settled = await ground.load(batch(run, "of_doctors"), Body(select=rows))
    assert settled.counts == Counts(read=10, quarantined=taken, unchanged=10 - taken)
    assert await ground.reasons(run) == {reason: taken}
    assert await ground.connection.fetchval("select count(*) from comments") == 10


async def test_a_child_asks_the_mapping_that_its_parent_is_of(ground: Target) -> None:
    refers = reference("comment_id", "of_doctors", "comments", default=MissingParent.QUARANTINE)
    children = program("details", ("id", "comment_id"), references=(refers,))
    run = await ground.run({**both(), "details": children})
    await ground.load(batch(run, "of_plans"), Body(select=OF_PLANS))
    empty = OF_PLANS.replace("'plan ", "'doctor ").replace("'plan'", "'doctor'")
    await ground.load(
        batch(run, "of_doctors"), Body(select=empty.replace("'text'", "case when g > 7 then null else 'text' end"))
    )
    rows = "select md5('detail ' || g)::uuid, md5('doctor ' || g)::uuid from generate_series(1, 10) g"
    settled = await ground.load(batch(run, "details"), Body(select=rows))
    assert settled.counts == Counts(read=10, loaded=7, quarantined=3)
    waiting = "select distinct waits_for from transfuse.quarantine where mapping = 'details'"
    assert await ground.connection.fetchval(waiting) == "of_doctors"
