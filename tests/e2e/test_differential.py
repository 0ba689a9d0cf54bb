"""A differential brings exactly what changed in the source, and writes no other row."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.passes import REMOVAL
from shared.core.states import RunState
from tests.harness.command_line import transfuse
from tests.harness.grove import passes, run
from tests.harness.ledger import ledger_of
from tests.harness.practice import PLAN, SOURCE, TARGET_ROWS, VERSIONS, change, changes_between, practice, read
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ROWS = 50_000
CHANGES = 1_000
SMALL = 2_000
MERGE = ("--mode", "merge")


async def test_a_thousand_changes_among_fifty_thousand_rows_and_nothing_else_is_written(servers: Servers) -> None:
    async with practice(servers, ROWS) as (installation, legacy):
        said, snapshot = await run(installation, text=PLAN)
        assert snapshot.state is RunState.COMPLETED, said.text
        source, versions = await read(legacy, SOURCE), await read(installation.target, VERSIONS)
        await change(legacy, CHANGES, seed=20261123)

        said, snapshot = await run(installation, *MERGE, text=PLAN)

        assert snapshot.state is RunState.COMPLETED, said.text
        after = await read(legacy, SOURCE)
        wanted = changes_between(source, after)
        assert sum(changes.count for changes in wanted.values()) == CHANGES
        assert await read(installation.target, TARGET_ROWS) == after
        assert changes_between(versions, await read(installation.target, VERSIONS)) == wanted
    counted = passes(snapshot)
    for name, changes in wanted.items():
        first, removal = counted[name, 1], counted[name, REMOVAL]
        assert (first.loaded, first.updated) == (len(changes.inserted), len(changes.updated))
        assert first.unchanged == first.read - first.loaded - first.updated
        assert removal == Counts(read=len(changes.deleted), deleted=len(changes.deleted))
        assert f"{name}, removal" in said.out
    assert all(balance.balances for balance in snapshot.balances)
    assert snapshot.warnings == ()


@pytest.mark.parametrize("step", ("AFTER_REMOVAL", "AFTER_REMOVAL_COMMIT"))
async def test_a_loader_that_is_killed_in_the_removal_is_made_up_for_by_a_resume(servers: Servers, step: str) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=PLAN)
        await change(legacy, 300, seed=7)
        killed = await transfuse(
            installation,
            *("run", str(installation.home / "plan.yml"), *MERGE),
            TRANSFUSE_FAILPOINTS="1",
            **{f"TRANSFUSE_FAILPOINT_LOADER_{step}": "kill:3"},
        )
        assert killed.code < 0, killed.text
        said = await transfuse(installation, "resume")
        async with ledger_of(installation) as ledger:
            snapshot = await ledger.progress.read(await ledger.youngest())
        assert snapshot.state is RunState.COMPLETED, said.text
        assert snapshot.snapshot_count == 1
        assert await read(installation.target, TARGET_ROWS) == await read(legacy, SOURCE)
    assert all(balance.balances for balance in snapshot.balances)


async def test_too_many_removals_wait_for_a_resume(servers: Servers) -> None:
    async with practice(servers, 3_000) as (installation, legacy):
        await run(installation, text=PLAN)
        before = await read(installation.target, TARGET_ROWS)
        await read(legacy, {"visits": "delete from visit where id <= 1100 returning id"})

        said, snapshot = await run(installation, *MERGE, text=PLAN)

        assert (snapshot.state, snapshot.reason) == (RunState.PAUSED, "removal_limit"), said.text
        assert "resuming the run accepts the removals" in said.text
        assert await read(installation.target, TARGET_ROWS) == before
        said = await transfuse(installation, "resume")
        assert said.code == 0, said.text
        assert await read(installation.target, TARGET_ROWS) == await read(legacy, SOURCE)


async def test_a_merge_after_an_undone_one_brings_the_same_changes_again(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=PLAN)
        first = await read(installation.target, TARGET_ROWS)
        await change(legacy, 300, seed=11)
        said, merge = await run(installation, *MERGE, text=PLAN)
        assert merge.state is RunState.COMPLETED, said.text
        undone = await transfuse(installation, "undo")
        assert undone.code == 0, undone.text
        assert await read(installation.target, TARGET_ROWS) == first

        said, again = await run(installation, *MERGE, text=PLAN)

        assert again.state is RunState.COMPLETED, said.text
        assert passes(again) == passes(merge)
        assert await read(installation.target, TARGET_ROWS) == await read(legacy, SOURCE)
    assert again.warnings == ()


async def test_what_was_removed_is_not_missed_by_a_verification(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=PLAN)
        await change(legacy, 300, seed=12)
        said, _ = await run(installation, *MERGE, text=PLAN)
        assert said.code == 0, said.text
        verified = await transfuse(installation, "verify")
        assert verified.code == 0, verified.text


MARKING = PLAN.replace("gone: remove", "gone: {mark: {left_at: now()}}\n    changed: quarantine", 1)
MARKED = {"people": "select legacy_id, left_at from people where left_at is not null"}


async def test_rows_that_are_gone_are_marked_and_changed_ones_wait_in_quarantine(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=MARKING)
        before = await read(legacy, SOURCE)
        await read(
            installation.target, {"people": "update people set note = 'mine' where legacy_id <= 4 returning legacy_id"}
        )
        await read(legacy, {"person": "update person set name = 'Other' where id in (2, 4, 6) returning id"})
        await change(legacy, 300, seed=13)
        await read(legacy, {"person": "delete from person where id in (1, 3) returning id"})
        gone = before["people"].keys() - (await read(legacy, SOURCE))["people"].keys()

        said, snapshot = await run(installation, *MERGE, text=MARKING)

        assert snapshot.state is RunState.COMPLETED, said.text
        marked = (await read(installation.target, MARKED))["people"]
        assert marked.keys() == gone - {1, 3}
        assert len(set(marked.values())) == 1
        refused = {(group.mapping, group.code, group.row_count) for group in snapshot.quarantine}
        assert refused == {("people", "changed_in_target", 2)}
        removal = passes(snapshot)["people", REMOVAL]
        assert removal == Counts(read=len(gone), updated=len(gone) - 2, unchanged=2)
        assert [(one.code, one.row_count) for one in snapshot.warnings] == [("changed_in_target", 2)]
        # Who comes back is there again, and nothing but that.
        back = min(gone - {1, 3})
        come = "insert into person select n, 'Back', null, null from generate_series({0}, {0}) n returning id"
        await read(legacy, {"person": come.format(back)})
        said, snapshot = await run(installation, *MERGE, text=MARKING)
        assert passes(snapshot)["people", 1].updated == 1, said.text
        assert (await read(installation.target, MARKED))["people"].keys() == gone - {1, 3, back}
