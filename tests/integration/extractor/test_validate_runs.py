"""Runs of kind `validate`: the preflight that people ask for."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from shared.core.checks import CheckState
from shared.core.errors import BatchError
from shared.core.states import RunState
from shared.core.transitions import TRANSITIONS_OF_KIND
from shared.ledger.preflights import Preflight, Preflights
from shared.ledger.reports import report_command_failed
from shared.messages import PlanRun, RunChanged
from shared.plan.reader import plan_hash
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import LEGACY, TARGET, VERSIONS, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger


class Checking:
    """An extractor, and the preflights of one migration."""

    def __init__(self, extractor: Extractor, migration: uuid.UUID) -> None:
        self.extractor = extractor
        self.ledger = extractor.ledger
        self.preflights = Preflights(extractor.ledger.pool)
        self.migration = migration

    async def asked(self) -> Preflight:
        """A preflight that is asked for."""
        return await self.preflights.start(
            self.migration, actor="tester", transfuse_version=VERSIONS.transfuse, priority=5
        )

    async def done(self) -> Preflight:
        """What a preflight found, from the question to the end of its run."""
        asked = await self.asked()
        assert PlanRun(run=asked.run) in (await self.ledger.dispatch().tick()).commands
        await self.extractor.plan(asked.run)
        found = await self.preflights.latest(self.migration)
        assert found is not None
        assert found.run == asked.run
        return found


@pytest.fixture
async def checking(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Checking]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as extractor:
        yield Checking(extractor, await registered(ledger, plan_text()))


async def registered(ledger: Ledger, text: str) -> uuid.UUID:
    """The migration, its plan's newest version being `text`."""
    files = {"plan.yml": text}
    await ledger.runs.register_plan(name="clinic", hash=plan_hash(files), files=files)
    return await ledger.runs.register_migration("clinic", plan_name="clinic")


async def test_a_preflight_ends_completed_with_every_check_and_leaves_nothing_else(checking: Checking) -> None:
    found = await checking.done()
    states = {check.name: check.state for check in found.checks}
    assert states.pop("legacy_least_rights") is CheckState.WARNING
    assert set(states.values()) == {CheckState.PASSED}
    assert {"plan_compiles", "from_clauses", "legacy_readable", "legacy_snapshot", "target_writable"} <= states.keys()
    assert (found.state, found.findings, found.plan_version) == (RunState.COMPLETED, (), 1)
    assert found.checked_at is not None
    assert await checking.extractor.written() == 0
    assert checking.extractor.holder.held(found.run) is None
    row = await checking.ledger.connection.fetchrow(
        "select snapshot, compiled, warnings, (select count(*) from transfuse.run_key) as run_keys from transfuse.run"
    )
    assert (row["snapshot"], row["compiled"], row["run_keys"]) == (None, None, 0)
    assert [warning["code"] for warning in msgspec.json.decode(row["warnings"])] == ["legacy_least_rights"]


async def test_what_is_wrong_with_the_plan_is_told_with_line_and_column(checking: Checking) -> None:
    await registered(checking.ledger, plan_text().replace("p.first_name", "p.first_nome"))
    found = await checking.done()
    (finding,) = found.findings
    assert (finding.file, finding.line, finding.suggestion) == ("plan.yml", 14, "first_name")
    assert [(check.name, check.state) for check in found.checks] == [("plan_compiles", CheckState.FAILED)]
    assert (found.state, found.reason, found.plan_version) == (RunState.FAILED, "plan_refused", 2)


async def test_all_that_failed_is_told_at_once(checking: Checking, legacy: asyncpg.Connection) -> None:
    await checking.ledger.connection.execute("alter table patients enable row level security")
    await checking.ledger.connection.execute(
        "insert into transfuse.service_role values ('loader', 'pg_monitor', 'x'), ('extractor', current_user, 'x')"
    )
    found = await checking.done()
    failed = {check.name: check.fix for check in found.checks if check.state is CheckState.FAILED}
    assert failed.keys() == {"target_writable", "target_row_security"}
    assert all(failed.values())
    assert "from_clauses" in {check.name for check in found.checks}
    assert (found.state, found.reason) == (RunState.FAILED, "preflight_failed")


async def test_a_legacy_database_that_is_away_is_a_failed_check_and_not_a_preflight_that_never_ends(
    checking: Checking, ledger: Ledger, legacy_url: str
) -> None:
    nowhere = msgspec.structs.replace(address_of(legacy_url), port=1)
    async with opened_extractor(ledger, nowhere) as extractor:
        found = await Checking(extractor, checking.migration).done()
    (check,) = found.checks
    assert (check.name, check.state) == ("legacy_reachable", CheckState.FAILED)
    assert (found.state, found.reason) == (RunState.FAILED, "legacy_unreachable")


async def test_a_preflight_goes_beside_a_run_that_moves_rows(checking: Checking) -> None:
    moving = await checking.extractor.planned(plan_text())
    found = await checking.done()
    assert found.state is RunState.COMPLETED
    assert await checking.ledger.state(moving) == RunState.RUNNING


async def test_who_asks_while_one_is_under_way_joins_it(checking: Checking) -> None:
    first, second = await checking.asked(), await checking.asked()
    assert first.run == second.run


async def test_a_cancelled_preflight_stays_cancelled(checking: Checking) -> None:
    asked = await checking.asked()
    await checking.ledger.dispatch().tick()
    await checking.ledger.runs.cancel(asked.run, actor="tester")
    assert await checking.extractor.plan(asked.run) == []
    assert await checking.ledger.state(asked.run) == RunState.CANCELLED


async def test_a_command_that_comes_again_changes_nothing(checking: Checking) -> None:
    asked = await checking.asked()
    await checking.ledger.dispatch().tick()
    assert await checking.extractor.plan(asked.run) == [RunChanged(run=asked.run, state=RunState.COMPLETED)]
    assert await checking.extractor.plan(asked.run) == []


async def test_a_preflight_is_tried_three_times_two_and_four_seconds_apart(checking: Checking) -> None:
    asked = await checking.asked()
    error, waits = BatchError("the legacy server was too slow"), []
    for wanted in ("planning", "planning", "failed"):
        await checking.ledger.connection.execute("update transfuse.run set not_before = null")
        turn = await checking.ledger.dispatch().tick()
        assert turn.commands == (PlanRun(run=asked.run),)
        async with checking.ledger.pool.acquire() as connection:
            state = await report_command_failed(connection, asked.run, RunState.PLANNING, error)
        assert state == wanted
        waits.append(
            await checking.ledger.connection.fetchval(
                "select round(extract(epoch from not_before - clock_timestamp())) from transfuse.run"
            )
        )
    assert waits[:2] == [2, 4]


async def test_only_a_preflight_may_complete_from_its_planning(checking: Checking) -> None:
    run = await checking.extractor.start(plan_text())
    await checking.ledger.dispatch().tick()
    with pytest.raises(asyncpg.PostgresError, match="does not go from planning to completed"):
        await checking.ledger.connection.execute("update transfuse.run set state = 'completed' where id = $1", run)


async def test_an_ordinary_run_keeps_its_checks_too(checking: Checking) -> None:
    run = await checking.extractor.planned(plan_text())
    checks = await checking.ledger.connection.fetchval("select checks from transfuse.preflight where run_id = $1", run)
    assert "legacy_readable" in {check["name"] for check in msgspec.json.decode(checks)}


async def test_the_ledger_and_the_code_agree_on_what_runs_of_a_kind_may_do_besides(ledger: Ledger) -> None:
    rows = await ledger.connection.fetch("select kind, from_state, to_state from transfuse.run_transition_of_kind")
    assert {tuple(row) for row in rows} == {
        (kind.value, state.value, following.value)
        for kind, transitions in TRANSITIONS_OF_KIND.items()
        for state, all_following in transitions.items()
        for following in all_following
    }
