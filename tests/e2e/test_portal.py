"""The portal at scale 0.05, seed 7: everything that the generator's manifest knows of it holds."""

from __future__ import annotations

import pytest

from shared.core.states import RunState
from tests.harness.both_sides import both_sides
from tests.harness.command_line import transfuse
from tests.harness.guards import guards_that_are_down
from tests.harness.money import cents_that_differ
from tests.harness.outcomes import defects_that_differ, facts_that_differ
from tests.harness.portal import PLAN, target_hash, written_rows
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

SCALE = 0.05
SEEDS = (7, 21)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_run_completes_and_every_mapping_balances(servers: Servers, seed: int) -> None:
    finished = await servers.undisturbed_portal(SCALE, seed)
    assert finished.said.code == ExitCode.WARNINGS, finished.said.text
    assert finished.snapshot.state is RunState.COMPLETED
    assert finished.snapshot.snapshot_count == 1
    for balance in finished.snapshot.balances:
        assert balance.balances, balance
        assert balance.excluded == 0


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mapped_table_holds_the_rows_of_the_manifest(servers: Servers, seed: int) -> None:
    finished = await servers.undisturbed_portal(SCALE, seed)
    targets = (await servers.portal(SCALE, seed)).manifest["targets"]
    written = await written_rows(finished.target)
    assert written == {table: targets[table]["count"] for table in written}


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_planted_defect_comes_to_what_outcomes_says(servers: Servers, seed: int) -> None:
    finished = await servers.undisturbed_portal(SCALE, seed)
    assert await defects_that_differ(await servers.portal(SCALE, seed), finished.target, finished.run) == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_fact_of_outcomes_holds_in_both_databases(servers: Servers, seed: int) -> None:
    finished = await servers.undisturbed_portal(SCALE, seed)
    assert await facts_that_differ(await servers.portal(SCALE, seed), finished.target) == []


async def test_five_processes_on_rabbitmq_and_one_process_make_the_same_target(servers: Servers) -> None:
    async with servers.portal_installation(SCALE, rabbitmq=True) as installation, services(installation):
        said = await transfuse(installation, "run", str(PLAN))
        assert said.code == ExitCode.WARNINGS, said.text
        found = await target_hash(installation.target)
    finished = await servers.undisturbed_portal(SCALE)
    assert found == await target_hash(finished.target)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_cent_arrives_and_the_target_is_guarded_as_before(servers: Servers, seed: int) -> None:
    async with both_sides(servers, SCALE, seed) as sides:
        assert await cents_that_differ(sides.legacy, sides.target, sides.finished.snapshot, sides.manifest) == []
        assert await guards_that_are_down(sides.target) == []
