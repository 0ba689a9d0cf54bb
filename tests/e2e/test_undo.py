"""An undo over the portal: the target before the run is the target after the undo, with another run's rows in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.core.states import RunState
from shared.plan.reader import read_plan
from shared.postgres.table_hash import hash_tables
from tests.harness.command_line import said, started, transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.portal import PLAN, target_tables
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

SCALE = 0.005
SMALL_BATCHES = ("--batch-rows", "200")
EARLIER = ("--only", "offices,profiles,doctors,patients")
EDIT = (
    "update public.profiles set first_name = 'Edited' where id in (select id from public.profiles order by id limit 25)"
)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def whole_hash(installation: Installation) -> dict[str, str]:
    """Every column of every table that the plan writes, by table."""
    tables = [msgspec.structs.replace(table, columns=()) for table in target_tables(read_plan(PLAN))]
    connection = await asyncpg.connect(installation.target)
    try:
        return {
            str(one.table): f"{one.row_count} {one.sha256}" for one in (await hash_tables(connection, tables)).tables
        }
    finally:
        await connection.close()


@asynccontextmanager
async def merged(installation: Installation, ledger: LedgerView) -> AsyncIterator[dict[str, str]]:
    """A run's rows, some of them edited since, and a merge of everything over them; gives what was there before it."""
    first = await transfuse(installation, "run", str(PLAN), *EARLIER)
    assert first.code in {ExitCode.OK, ExitCode.WARNINGS}, first.text
    await ledger.connection.execute(EDIT)
    before = await whole_hash(installation)
    second = await transfuse(installation, "run", str(PLAN), "--mode", "merge", *SMALL_BATCHES)
    assert second.code in {ExitCode.OK, ExitCode.WARNINGS}, second.text
    assert await whole_hash(installation) != before
    yield before


async def undone(ledger: LedgerView, undo: UUID) -> None:
    """The undo balances, and took back rows of both kinds."""
    snapshot = await ledger.progress.read(undo)
    assert snapshot.state is RunState.COMPLETED
    assert all(balance.balances for balance in snapshot.balances)
    row = await ledger.connection.fetchrow(
        """select sum(deleted) > 0 as deleted, sum(updated) >= 25 as updated, sum(unchanged) = 0 as stayed
             from transfuse.batch where run_id = $1""",
        undo,
    )
    assert tuple(row) == (True, True, True)


async def test_an_undo_of_one_process_that_is_killed_goes_on_with_resume(servers: Servers) -> None:
    async with (
        servers.portal_installation(SCALE) as installation,
        ledger_of(installation) as ledger,
        merged(installation, ledger) as before,
    ):
        run = await ledger.youngest()
        async with started(installation, "undo") as command:
            undo = await ledger.youngest(after=run)
            await ledger.middle(undo)
            command.kill()
            await command.wait()
        done = await transfuse(installation, "resume")
        assert done.code in {ExitCode.OK, ExitCode.WARNINGS}, done.text
        await undone(ledger, undo)
        assert await whole_hash(installation) == before
        again = await transfuse(installation, "undo", str(run))
        assert again.code == ExitCode.FAILED
        assert "undone already" in again.text
        assert "completed, undone" in (await transfuse(installation, "runs")).text


async def test_a_loader_that_is_killed_in_the_middle_of_an_undo_changes_nothing_of_its_end(servers: Servers) -> None:
    async with (
        servers.portal_installation(SCALE, rabbitmq=True) as installation,
        services(installation) as five,
        ledger_of(installation) as ledger,
        merged(installation, ledger) as before,
    ):
        run = await ledger.youngest()
        async with started(installation, "undo", str(run)) as command:
            undo = await ledger.youngest(after=run)
            await ledger.middle(undo)
            five.kill("loader")
            done = await said(command)
        assert done.code in {ExitCode.OK, ExitCode.WARNINGS}, done.text
        await undone(ledger, undo)
        assert await whole_hash(installation) == before
