"""Undo, merge and verify after each other: what each takes for the truth."""

from __future__ import annotations

import pytest

from shared.core.passes import REMOVAL
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.harness.command_line import transfuse
from tests.harness.grove import passes, run
from tests.harness.installation import Installation
from tests.harness.practice import PLAN, SOURCE, TARGET_ROWS, practice, read
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SMALL = 300
MERGE = ("--mode", "merge")
GONE = {
    "people": "delete from person where id in (1, 3) returning id",
    "visits": "delete from visit where id < 10 returning id",
}


async def merged_and_half_undone(installation: Installation, legacy: str) -> RunSnapshot:
    """A merge that removed rows, and an undo of it that was killed when these were back, and cancelled."""
    await read(legacy, GONE)
    said, merge = await run(installation, *MERGE, text=PLAN)
    assert passes(merge)["people", REMOVAL].deleted == 2, said.text
    killed = await transfuse(
        installation, "undo", TRANSFUSE_FAILPOINTS="1", TRANSFUSE_FAILPOINT_LOADER_UNDO_AFTER_COMMIT="kill:2"
    )
    assert killed.code < 0, killed.text
    cancelled = await transfuse(installation, "cancel")
    assert cancelled.code == 0, cancelled.text
    return merge


async def test_an_undo_after_a_cancelled_one_finds_what_is_back_already(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=PLAN)
        before = await read(installation.target, TARGET_ROWS)
        await merged_and_half_undone(installation, legacy)
        said = await transfuse(installation, "undo")
        assert said.code == 1, said.text
        assert "already_back" in said.text
        assert await read(installation.target, TARGET_ROWS) == before


async def test_rows_that_a_later_run_found_are_as_much_its_own(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, _):
        _, first = await run(installation, text=PLAN)
        await run(installation, *MERGE, text=PLAN)
        loaded = await read(installation.target, TARGET_ROWS)
        refused = await transfuse(installation, "undo", str(first.run))
        assert refused.code == ExitCode.FAILED, refused.text
        assert "found_since" in refused.text
        kept = await transfuse(installation, "undo", str(first.run), "--built-on", "keep")
        assert kept.code == ExitCode.WARNINGS, kept.text
        assert await read(installation.target, TARGET_ROWS) == loaded


async def test_rows_that_a_later_run_found_go_where_somebody_says_so(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, _):
        _, first = await run(installation, text=PLAN)
        await run(installation, *MERGE, text=PLAN)
        said = await transfuse(installation, "undo", str(first.run), "--built-on", "discard")
        assert said.code == ExitCode.OK, said.text
        assert not any((await read(installation.target, TARGET_ROWS)).values())


async def test_a_merge_after_a_cancelled_undo_removes_what_that_put_back(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=PLAN)
        await merged_and_half_undone(installation, legacy)
        said, merge = await run(installation, *MERGE, text=PLAN)
        assert merge.state is RunState.COMPLETED, said.text
        assert await read(installation.target, TARGET_ROWS) == await read(legacy, SOURCE)


async def test_a_verify_that_found_extra_rows_is_not_shown_as_well(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, _):
        await run(installation, text=PLAN)
        more = "insert into people (id, name) values (gen_random_uuid(), 'theirs') returning legacy_id"
        await read(installation.target, {"people": more})
        verified = await transfuse(installation, "verify")
        assert verified.code == ExitCode.FAILED, verified.text
        status = await transfuse(installation, "status")
        assert "1 are not as they should be" in status.out
        assert "✓" not in status.out


MARKED = PLAN.replace("gone: remove", "gone: {mark: {left_at: now()}}", 1)
IGNORED = PLAN.replace("    gone: remove\n", "")
THEIRS = """
insert into visits (id, person_id) select gen_random_uuid(), id from people where legacy_id = 1 returning legacy_id
"""


@pytest.mark.parametrize("text", (MARKED, IGNORED, PLAN), ids=("marked", "ignored", "referred"))
async def test_rows_that_a_merge_left_are_told_apart_from_extra_ones(servers: Servers, text: str) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=text)
        if text is PLAN:
            await read(installation.target, {"visits": THEIRS})
        await read(legacy, GONE)
        said, merge = await run(installation, *MERGE, "--verify", text=text)
        assert merge.state is RunState.COMPLETED, said.text
        said, merge = await run(installation, *MERGE, "--verify", text=text)
        assert merge.state is RunState.COMPLETED, said.text
        if text is PLAN:
            await read(installation.target, {"visits": "delete from visits where legacy_id is null returning id"})
        left = {MARKED: 2, IGNORED: 11, PLAN: 1}[text]
        verified = await transfuse(installation, "verify")
        assert verified.code == ExitCode.WARNINGS, verified.text
        assert f"{left} rows changed in the source since they were loaded, or are gone from it" in verified.out
        more = "insert into people (id, name) values (gen_random_uuid(), 'theirs') returning legacy_id"
        await read(installation.target, {"people": more})
        verified = await transfuse(installation, "verify")
        assert verified.code == ExitCode.FAILED, verified.text
        assert "Different: 1 of " in verified.out


RULED = IGNORED.replace(
    "    columns:\n",
    "    keep: p.name <> 'left out'\n    rules: [{name: good, check: \"name <> 'bad'\"}]\n    columns:\n",
    1,
)


async def test_rows_that_a_merge_refuses_or_filters_and_an_earlier_run_loaded_are_not_unexpected(
    servers: Servers,
) -> None:
    async with practice(servers, SMALL) as (installation, legacy):
        await run(installation, text=RULED)
        await read(legacy, {"person": "update person set name = 'bad' where id in (1, 3) returning id"})
        await read(legacy, {"person": "update person set name = 'left out' where id in (5, 7, 9) returning id"})
        said, merge = await run(installation, *MERGE, "--verify", text=RULED)
        assert merge.state is RunState.COMPLETED, said.text
        assert [(one.code, one.row_count) for one in merge.warnings] == [("left_in_target", 5)]
        # Whoever changes such a row since makes it a row of theirs.
        await read(installation.target, {"people": "update people set note = '' where legacy_id in (3, 5) returning 1"})
        verified = await transfuse(installation, "verify")
        assert verified.code == ExitCode.FAILED, verified.text
        assert "Different: 2 of 300" in verified.out


async def test_rows_that_went_with_their_parents_are_missing(servers: Servers) -> None:
    async with practice(servers, SMALL) as (installation, _):
        await run(installation, text=PLAN)
        said, _ = await run(installation, *MERGE, "--only", "visits", text=PLAN)
        assert said.code == ExitCode.OK, said.text
        await read(installation.target, {"people": "delete from people where legacy_id = 2 returning legacy_id"})
        verified = await transfuse(installation, "verify")
        assert verified.code == ExitCode.FAILED, verified.text
