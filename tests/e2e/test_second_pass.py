"""References that have to wait: trees, circles, and what becomes of those whose row is not there."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.states import RunState
from tests.harness.command_line import transfuse
from tests.harness.grove import EXPECTED, HASH, LEADS, NODES, PLAN, TREE, grove, passes, rows, run, written
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
SMALL = ("--batch-rows", "50")
ORPHANS = "select count(*) from node where parent_id in (17, 18, 100000) and id not in (17, 18)"
STREAMED = PLAN.replace(
    "from: node AS n",
    "from: node AS n JOIN (SELECT x.id, count(*) FROM node AS x GROUP BY x.id) AS once ON once.id = n.id",
)
"""What is costly to read range by range is read once in each pass, and cut while reading."""
IN_SECOND_PASS = 32
"""Of the batches that settle: 23 are of first passes, 19 of second ones."""


async def test_trees_and_circles_arrive_whole_however_their_rows_are_cut(servers: Servers) -> None:
    async with grove(servers) as (installation, legacy):
        said, snapshot = await run(installation, *SMALL)
        assert snapshot.state is RunState.COMPLETED, said.text
        assert await rows(installation.target, TREE) == await rows(legacy, EXPECTED)
        ((whole,),) = await rows(installation.target, HASH)
        assert await rows(installation.target, LEADS) == [(number, number * 7) for number in range(1, 21)]
        ((orphans,),) = await rows(legacy, ORPHANS)
    counted = passes(snapshot)
    assert counted["nodes", 1] == Counts(read=NODES, loaded=NODES - 2, filtered=1, quarantined=1)
    assert counted["nodes", 2].filtered == 2
    assert counted["nodes", 2].updated + counted["nodes", 2].unchanged == NODES - 2
    assert counted["teams", 2] == Counts(read=20, updated=20)
    assert [(found.mapping, found.code, found.column, found.row_count) for found in snapshot.warnings] == [
        ("nodes", "unresolved", "parent_id", orphans)
    ]
    assert snapshot.counts.read == snapshot.row_total == NODES + 220
    assert "nodes, pass 2" in said.out
    for words, text in (((), PLAN), (SMALL, STREAMED)):
        async with grove(servers) as (installation, _legacy):
            said, snapshot = await run(installation, *words, text=text)
            assert snapshot.state is RunState.COMPLETED, said.text
            assert await rows(installation.target, HASH) == [(whole,)]


@pytest.mark.parametrize("step", ("BEFORE_COMMIT", "AFTER_COMMIT"))
async def test_a_loader_that_is_killed_in_the_second_pass_changes_nothing_in_the_target(
    servers: Servers, step: str
) -> None:
    async with grove(servers) as (installation, legacy):
        plan = written(installation)
        killed = await transfuse(
            installation,
            *("run", plan, *SMALL),
            TRANSFUSE_FAILPOINTS="1",
            **{f"TRANSFUSE_FAILPOINT_LOADER_{step}": f"kill:{IN_SECOND_PASS}"},
        )
        assert killed.code < 0, killed.text
        async with ledger_of(installation) as ledger:
            stopped = await ledger.progress.read(await ledger.youngest())
            assert passes(stopped)["nodes", 1].read == NODES
            assert 0 < passes(stopped)["nodes", 2].read < NODES
            said = await transfuse(installation, "resume")
            snapshot = await ledger.progress.read(stopped.run)
        assert snapshot.state is RunState.COMPLETED, said.text
        assert all(balance.balances for balance in snapshot.balances)
        assert await rows(installation.target, TREE) == await rows(legacy, EXPECTED)


async def test_a_run_fails_at_a_reference_that_may_not_stay_open(servers: Servers) -> None:
    text = PLAN.replace("    rules:", "    missing_parent: {parent_id: fail_run}\n    rules:")
    async with grove(servers) as (installation, _legacy):
        said, snapshot = await run(installation, text=text)
    assert (snapshot.state, snapshot.reason) == (RunState.FAILED, "missing_parent"), said.text
