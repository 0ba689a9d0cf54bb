"""The holder of the snapshot dies in the middle of a run, while others write to the legacy database."""

from __future__ import annotations

from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest

from shared.core.passes import COMPARISON
from shared.core.states import RunState
from shared.plan.compiled import Cut, decode_compiled
from shared.status.status import run_status
from tests.harness.command_line import said, started, transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.servers import Servers
from tests.harness.services import services
from tests.harness.ward import SMALL_BATCHES, assert_nothing_lost_or_doubled, held_in_the_middle_of, ward, writers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
END_HOLDER = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and state = 'idle in transaction' and backend_xmin is not null
 order by xact_start limit 1
"""
GENERATIONS = """
select count(*) filter (where generation = 1) as of_first, count(*) filter (where generation > 1) as of_second,
       count(*) filter (where state <> 'settled') as unsettled, max(attempts) as attempts
  from transfuse.batch where run_id = $1
"""


@pytest.mark.parametrize("mapping", ("visits", "people"))
async def test_a_killed_holder_of_the_snapshot_costs_a_pause_and_no_row(servers: Servers, mapping: str) -> None:
    async with AsyncExitStack() as stack:
        installation, legacy = await stack.enter_async_context(ward(servers, rabbitmq=True))
        five = await stack.enter_async_context(services(installation))
        written = await stack.enter_async_context(writers(legacy))
        plan = str(installation.home / "plan.yml")
        command = await stack.enter_async_context(started(installation, "run", plan, *SMALL_BATCHES))
        ledger = await stack.enter_async_context(ledger_of(installation))
        run = await ledger.youngest()
        async with held_in_the_middle_of(installation, ledger, run, mapping):
            five.kill("extractor")
        done = await said(command)
        assert done.code == ExitCode.INTERRUPTED, done.text
        await goes_on_under_another_snapshot(installation, ledger, run)
        await assert_nothing_lost_or_doubled(installation, written)


@pytest.mark.parametrize("mapping", ("visits", "people"))
async def test_a_holder_whose_session_is_ended_by_the_server_costs_a_pause_and_no_row(
    servers: Servers, mapping: str
) -> None:
    async with AsyncExitStack() as stack:
        installation, legacy = await stack.enter_async_context(ward(servers))
        written = await stack.enter_async_context(writers(legacy))
        plan = str(installation.home / "plan.yml")
        command = await stack.enter_async_context(started(installation, "run", plan, *SMALL_BATCHES))
        ledger = await stack.enter_async_context(ledger_of(installation))
        run = await ledger.youngest()
        owner = await asyncpg.connect(legacy)
        async with held_in_the_middle_of(installation, ledger, run, mapping):
            assert await owner.fetchval(END_HOLDER)
        await owner.close()
        done = await said(command)
        assert done.code == ExitCode.INTERRUPTED, done.text
        await goes_on_under_another_snapshot(installation, ledger, run)
        await assert_nothing_lost_or_doubled(installation, written)


async def test_a_run_that_verifies_itself_is_not_failed_by_what_changed_between_its_snapshots(servers: Servers) -> None:
    async with AsyncExitStack() as stack:
        installation, legacy = await stack.enter_async_context(ward(servers))
        await stack.enter_async_context(writers(legacy))
        plan = str(installation.home / "plan.yml")
        command = await stack.enter_async_context(started(installation, "run", plan, "--verify", *SMALL_BATCHES))
        ledger = await stack.enter_async_context(ledger_of(installation))
        run = await ledger.youngest()
        owner = await asyncpg.connect(legacy)
        async with held_in_the_middle_of(installation, ledger, run, "people"):
            assert await owner.fetchval(END_HOLDER)
        await owner.close()
        await said(command)
        done = await transfuse(installation, "resume")
        assert done.code == ExitCode.WARNINGS, done.text
        ended = await ledger.progress.read(run)
        assert (ended.state, ended.snapshot_count) == (RunState.COMPLETED, 2)
        assert all(balance.balances for balance in ended.balances)
        compared = [one.counts for one in ended.mappings if one.pass_number == COMPARISON]
        assert sum(counts.unchanged for counts in compared) > 0


async def goes_on_under_another_snapshot(installation: Installation, ledger: LedgerView, run: UUID) -> None:
    """The run is paused for the lost snapshot, and a resume brings it to its end, balanced and flagged."""
    compiled = await ledger.connection.fetchval("select compiled from transfuse.run where id = $1", run)
    cuts = {mapping.name: mapping.source.cut for mapping in decode_compiled(compiled).mappings}
    assert cuts == {"visits": Cut.STREAM, "people": Cut.INTEGERS}
    paused = await ledger.progress.read(run)
    assert (paused.state, paused.reason) == (RunState.PAUSED, "snapshot_lost")
    done = await transfuse(installation, "resume")
    assert done.code == ExitCode.WARNINGS, done.text
    assert "differential" in done.text, "the user is told what the second snapshot owes"
    ended = await ledger.progress.read(run)
    assert (ended.state, ended.snapshot_count) == (RunState.COMPLETED, 2)
    assert all(balance.balances for balance in ended.balances)
    assert "More than one snapshot was read" in run_status(ended).verdict.detail
    row = await ledger.connection.fetchrow(GENERATIONS, run)
    assert row["of_first"] > 0, "what was settled stays"
    assert row["of_second"] > 0, "what was open is read from the second snapshot"
    assert (row["unsettled"], row["attempts"]) == (0, 0)
