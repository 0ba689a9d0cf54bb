"""Two of every service for one ledger and one broker: whoever takes a message, the target is the same."""

from __future__ import annotations

import pytest

from shared.core.states import RunState
from tests.harness.command_line import transfuse
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN, target_hash
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

SCALE = 0.005
SMALL_BATCHES = ("--batch-rows", "100")
STAGES = ("extract", "transform", "load")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]


async def test_two_of_each_service_make_the_target_that_one_process_makes(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    async with (
        servers.portal_installation(SCALE, rabbitmq=True) as installation,
        ledger_of(installation) as ledger,
        services(installation) as first,
        services(installation, log_name="second.log") as second,
    ):
        said = await transfuse(installation, "run", str(PLAN), *SMALL_BATCHES)
        assert said.code == ExitCode.WARNINGS, said.text
        for pages in (await first.metrics(), await second.metrics()):
            assert all(done(pages, stage) for stage in STAGES)
        snapshot = await ledger.progress.read(await ledger.youngest())
        assert snapshot.state is RunState.COMPLETED
        assert all(balance.balances for balance in snapshot.balances)
        assert snapshot.quarantine == finished.snapshot.quarantine
        assert await target_hash(installation.target) == await target_hash(finished.target)


def done(pages: str, stage: str) -> float:
    """How many messages of a stage these processes have handled."""
    lines = [line for line in pages.splitlines() if "batches" in line and f'stage="{stage}"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'outcome="done"' in line)
