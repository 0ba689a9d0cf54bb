"""A row may follow a parent that its table has no column for: the loader judges it, and writes everything else."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.states import Encoding
from shared.messages.data import Reason, RefusedRow
from shared.plan.compiled import LoadProgram
from shared.plan.model import MissingParent
from tests.loading.target import Body, Target, batch, keys, program, reference

TABLES = """
create table plans (id uuid primary key);
insert into plans select md5('plan ' || g)::uuid from generate_series(1, 9) g;
create table comments (id uuid primary key, content text);
"""
COMMENTS = "select md5('row ' || g)::uuid, 'text ' || g, md5('plan ' || g)::uuid from generate_series(1, 12) g"
"""Plans 10, 11 and 12 are not there."""


def following(**fates: MissingParent) -> LoadProgram:
    refers = reference("plan", "plans", "plans", enforced=False, **fates)
    return program("comments", ("id", "content"), follows=("plan",), references=(refers,))


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


@pytest.mark.parametrize("encoding", Encoding)
async def test_a_row_shares_the_fate_of_the_parent_that_it_follows(ground: Target, encoding: Encoding) -> None:
    fates = {"filtered": MissingParent.FILTER_TOO, "absent": MissingParent.NULL_IT}
    run = await ground.run({"plans": program("plans", ("id",)), "comments": following(**fates)})
    (quarantined,) = keys([11], "plan")
    refused = RefusedRow(legacy_key="11", target_key=quarantined.bytes, reasons=(Reason(code="required"),), row=b"{}")
    nothing = "select id from plans where false"
    await ground.load(batch(run, "plans"), Body(select=nothing, filtered=tuple(keys([10], "plan")), refused=(refused,)))

    settled = await ground.load(batch(run, "comments"), Body(select=COMMENTS, encoding=encoding))

    assert settled.counts == Counts(read=12, loaded=10, filtered=1, quarantined=1)
    loaded = await ground.connection.fetch("select content from comments")
    assert {row["content"] for row in loaded} == {f"text {number}" for number in (*range(1, 10), 12)}
    assert await ground.reasons(run) == {("required", "", ""): 1, ("missing_parent", "plan", ""): 1}


async def test_a_following_row_that_comes_again_is_unchanged(ground: Target) -> None:
    run = await ground.run({"comments": following()}, batches=2)
    first = await ground.load(batch(run, "comments"), Body(select=COMMENTS))
    again = await ground.load(batch(run, "comments", 2), Body(select=COMMENTS))
    assert first.counts == Counts(read=12, loaded=9, quarantined=3)
    assert again.counts == Counts(read=12, unchanged=9, quarantined=3)
