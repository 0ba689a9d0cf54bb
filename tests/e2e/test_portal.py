"""The portal at scale 0.05, seed 7: everything that the generator's manifest knows of it holds."""

from __future__ import annotations

import pytest

from shared.core.states import RunState
from tests.harness.command_line import transfuse
from tests.harness.outcomes import defects_that_differ, facts_that_differ
from tests.harness.portal import PLAN, target_hash, written_rows
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

SCALE = 0.05
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_the_run_completes_and_every_mapping_balances(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    assert finished.said.code == ExitCode.WARNINGS, finished.said.text
    assert finished.snapshot.state is RunState.COMPLETED
    assert finished.snapshot.snapshot_count == 1
    for balance in finished.snapshot.balances:
        assert balance.balances, balance
        assert balance.excluded == 0


async def test_every_mapped_table_holds_the_rows_of_the_manifest(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    targets = (await servers.portal(SCALE)).manifest["targets"]
    written = await written_rows(finished.target)
    assert written == {table: targets[table]["count"] for table in written}


async def test_every_planted_defect_comes_to_what_outcomes_says(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    assert await defects_that_differ(await servers.portal(SCALE), finished.target, finished.run) == []


async def test_every_fact_of_outcomes_holds_in_both_databases(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    assert await facts_that_differ(await servers.portal(SCALE), finished.target) == []


async def test_five_processes_on_rabbitmq_and_one_process_make_the_same_target(servers: Servers) -> None:
    async with servers.portal_installation(SCALE, rabbitmq=True) as installation, services(installation):
        said = await transfuse(installation, "run", str(PLAN))
        assert said.code == ExitCode.WARNINGS, said.text
        found = await target_hash(installation.target)
    finished = await servers.undisturbed_portal(SCALE)
    assert found == await target_hash(finished.target)
