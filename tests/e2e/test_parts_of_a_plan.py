"""Runs of some mappings, of single columns, and of a plan that ran before."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.states import LoadMode, RunState
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.grove import LEADS, NODES, grove, passes, rows, run, written
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
UNSHADED = "select count(*) from nodes where shade is null"
XMIN = "select legacy_id, xmin::text from nodes order by 1"
CHANGES = """
update node set shade = 'dim' where id between 101 and 110;
update node set parent_id = 1 where id = 300;
insert into node values (901, 2, 'new', 'light');
"""


async def versions(url: str) -> dict[object, object]:
    """By node the transaction that wrote it last."""
    return {row[0]: row[1] for row in await rows(url, XMIN)}


async def test_some_mappings_find_the_parents_of_their_rows_in_the_target(servers: Servers) -> None:
    async with grove(servers) as (installation, _legacy):
        said, teams = await run(installation, "--only", "teams")
        assert said.code == ExitCode.WARNINGS, said.text
        assert passes(teams) == {("teams", 1): Counts(read=20, loaded=20), ("teams", 2): Counts(read=20, unchanged=20)}
        assert [(found.code, found.row_count) for found in teams.warnings] == [("unresolved", 20)]
        said, members = await run(installation, "--only", "members")
        assert said.code == ExitCode.OK, said.text
        assert passes(members) == {("members", 1): Counts(read=200, loaded=200)}
        said, leads = await run(installation, "--only", "teams.lead_id")
        assert said.code == ExitCode.OK, said.text
        assert leads.mode is LoadMode.PATCH
        assert passes(leads) == {("teams", 1): Counts(read=20, updated=20)}
        assert await rows(installation.target, LEADS) == [(number, number * 7) for number in range(1, 21)]


async def test_a_name_that_the_plan_has_not_is_refused_with_the_nearest_one(servers: Servers) -> None:
    async with grove(servers) as (installation, _legacy):
        plan = written(installation)
        for words, said in (
            (("--only", "node"), "The plan has no mapping 'node'. Did you mean 'nodes'?"),
            (("--only", "nodes.shades"), "no column 'shades' that could be set later. Did you mean 'shade'?"),
            (("--only", "nodes.shade", "--mode", "merge"), "The mode merge does not go with what the run is of."),
        ):
            refused = await transfuse(installation, "run", plan, *words)
            assert refused.code == ExitCode.FAILED
            assert said in refused.err


async def test_a_merge_inserts_and_updates_what_differs_and_rewrites_nothing_else(servers: Servers) -> None:
    async with grove(servers, own=True) as (installation, legacy):
        await run(installation, "--only", "nodes")
        before = await versions(installation.target)
        said, again = await run(installation, "--only", "nodes", "--mode", "merge")
        assert again.state is RunState.COMPLETED, said.text
        assert passes(again)["nodes", 1] == Counts(read=NODES, unchanged=NODES - 2, filtered=1, quarantined=1)
        assert passes(again)["nodes", 2] == Counts(read=NODES, unchanged=NODES - 2, filtered=2)
        assert await versions(installation.target) == before
        await fill(legacy, CHANGES)
        said, merged = await run(installation, "--only", "nodes", "--mode", "merge")
        assert merged.state is RunState.COMPLETED, said.text
        after = await versions(installation.target)
        assert passes(merged)["nodes", 1] == Counts(
            read=NODES + 1, loaded=1, updated=10, unchanged=NODES - 12, filtered=1, quarantined=1
        )
        assert passes(merged)["nodes", 2].updated == 2
        assert {key for key in after if after[key] != before.get(key)} == {*range(101, 111), 300, NODES + 1}
        assert await rows(installation.target, UNSHADED) == [(0,)]
