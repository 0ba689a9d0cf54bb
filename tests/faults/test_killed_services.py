"""`kill -9` in the middle of a run: the target is the same as if nothing had happened."""

from __future__ import annotations

import signal

import pytest

from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.harness.command_line import said, started, transfuse
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN, target_hash
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode
from transfuse.workspace import SERVICES

SCALE = 0.005
SMALL_BATCHES = ("--batch-rows", "500")
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_killed_in_the_middle_of_a_run_changes_nothing_in_the_target(
    servers: Servers, service: str
) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    async with (
        servers.portal_installation(SCALE, rabbitmq=True) as installation,
        services(installation) as five,
        started(installation, "run", str(PLAN), *SMALL_BATCHES) as command,
        ledger_of(installation) as ledger,
    ):
        run = await ledger.youngest()
        await ledger.middle(run)
        five.kill(service)
        done = await said(command)
        if service == "extractor":
            paused = await ledger.progress.read(run)
            assert (paused.state, paused.reason) == (RunState.PAUSED, "snapshot_lost")
            assert done.code == ExitCode.INTERRUPTED, done.text
            assert "resume" in done.text
            done = await transfuse(installation, "resume")
        assert done.code == ExitCode.WARNINGS, done.text
        await five.ready(service, times=2)
        snapshot = await ledger.progress.read(run)
        assert_same_outcome(snapshot, finished.snapshot)
        assert await target_hash(installation.target) == await target_hash(finished.target)


async def test_the_one_process_that_is_killed_goes_on_with_resume(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    async with servers.portal_installation(SCALE) as installation, ledger_of(installation) as ledger:
        async with started(installation, "run", str(PLAN), *SMALL_BATCHES) as command:
            run = await ledger.youngest()
            await ledger.middle(run)
            command.kill()
            await command.wait()
        done = await transfuse(installation, "resume")
        assert done.code == ExitCode.WARNINGS, done.text
        snapshot = await ledger.progress.read(run)
        assert snapshot.snapshot_count == 2
        assert_same_outcome(snapshot, finished.snapshot)
        assert await target_hash(installation.target) == await target_hash(finished.target)


async def test_ctrl_c_ends_with_130_and_resume_completes_the_run(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    async with servers.portal_installation(SCALE) as installation, ledger_of(installation) as ledger:
        async with started(installation, "run", str(PLAN), *SMALL_BATCHES) as command:
            run = await ledger.youngest()
            await ledger.middle(run)
            command.send_signal(signal.SIGINT)
            done = await said(command)
        assert done.code == ExitCode.INTERRUPTED, done.text
        assert "transfuse resume" in done.out
        assert "Traceback" not in done.text
        interrupted = await ledger.progress.read(run)
        assert not interrupted.is_final
        done = await transfuse(installation, "resume")
        assert done.code == ExitCode.WARNINGS, done.text
        assert_same_outcome(await ledger.progress.read(run), finished.snapshot)
        assert await target_hash(installation.target) == await target_hash(finished.target)


def assert_same_outcome(found: RunSnapshot, wanted: RunSnapshot) -> None:
    """The run balances, with the counts of the undisturbed one."""
    assert found.state is RunState.COMPLETED
    assert all(balance.balances for balance in found.balances)
    assert {one.mapping: one.counts for one in found.mappings} == {one.mapping: one.counts for one in wanted.mappings}
    assert found.quarantine == wanted.quarantine
    assert found.warnings == wanted.warnings
