"""DDL in the middle of a run: it pauses with the difference, and goes on when the tables are repaired."""

from __future__ import annotations

from contextlib import AsyncExitStack

import asyncpg
import pytest

from shared.core.states import RunState
from tests.harness.command_line import said, started, transfuse
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from tests.harness.ward import SMALL_BATCHES, in_the_middle_of, ward
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.mark.parametrize(
    ("side", "table", "column", "told"),
    (
        ("source", "person", "name", "source public.person.name (was text, is gone)"),
        ("source", "visit", "note", "source public.visit.note (was text, is gone)"),
        ("target", "people", "name", "target public.people.name (is gone)"),
    ),
)
async def test_a_column_that_goes_in_the_middle_of_a_run_pauses_it_until_it_is_back(
    servers: Servers, side: str, table: str, column: str, told: str
) -> None:
    async with AsyncExitStack() as stack:
        installation, legacy = await stack.enter_async_context(ward(servers))
        plan = str(installation.home / "plan.yml")
        command = await stack.enter_async_context(started(installation, "run", plan, *SMALL_BATCHES))
        ledger = await stack.enter_async_context(ledger_of(installation))
        run = await ledger.youngest()
        await in_the_middle_of(ledger, run, "visits" if table == "visit" else "people")
        owner = await asyncpg.connect(legacy if side == "source" else installation.target)
        stack.push_async_callback(owner.close)
        await owner.execute(f"alter table {table} rename {column} to other")
        done = await said(command)
        assert done.code == ExitCode.INTERRUPTED, done.text
        paused = await ledger.progress.read(run)
        assert (paused.state, paused.reason) == (RunState.PAUSED, "schema_drifted")
        assert told in paused.message
        assert column in done.text
        await owner.execute(f"alter table {table} rename other to {column}")
        done = await transfuse(installation, "resume")
        assert done.code in {ExitCode.OK, ExitCode.WARNINGS}, done.text
        ended = await ledger.progress.read(run)
        assert ended.state is RunState.COMPLETED
        assert all(balance.balances for balance in ended.balances)
        assert {one.mapping: one.counts.loaded for one in ended.mappings} == {"visits": 12_000, "people": 6_000}
        assert await ledger.connection.fetchval("select max(attempts) from transfuse.batch where run_id = $1", run) == 0
