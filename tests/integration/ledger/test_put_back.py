"""Work that came to a service of other versions than its run's goes back, and nothing is counted."""

from __future__ import annotations

import msgspec
import pytest

from shared.core.errors import VersionDiffers
from shared.core.ids import BatchRef
from shared.core.states import RunState
from shared.ledger.dispatch import Turn
from shared.ledger.reports import put_back, put_back_command
from shared.messages import FinishRun, PlanRun
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

OTHER = VersionDiffers(service="loader", pinned="Transfuse 1", own="Transfuse 2")


async def test_a_batch_that_is_put_back_is_issued_again_after_a_while_with_all_its_attempts(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    dispatch = ledger.dispatch()
    for _ in range(5):
        (ref,) = batches(await dispatch.tick())
        assert await put_back(ledger.connection, ref, OTHER)
        assert await dispatch.tick() == Turn(), "not at once"
        await ledger.connection.execute("update transfuse.batch set not_before = clock_timestamp()")
    (ref,) = batches(await dispatch.tick())
    assert await ledger.connection.fetchval("select attempts from transfuse.batch") == 0
    assert await ledger.state(run) == "running"
    told = await ledger.connection.fetch("select detail from transfuse.run_event where kind = 'version_differs'")
    assert [msgspec.json.decode(row["detail"]) for row in told] == [
        {"service": "loader", "pinned": "Transfuse 1", "own": "Transfuse 2"}
    ], "once, and not for every batch"


async def test_what_settled_or_changed_meanwhile_is_not_put_back(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    first, second = batches(await ledger.dispatch().tick())
    await ledger.settle(first)
    older = BatchRef(run=run, mapping="patients", seq=2, generation=second.generation - 1)
    assert not await put_back(ledger.connection, first, OTHER)
    assert not await put_back(ledger.connection, older, OTHER)
    assert await ledger.batch_states(run) == {("patients", 1): "settled", ("patients", 2): "dispatched"}


@pytest.mark.parametrize("state", (RunState.PLANNING, RunState.FINISHING))
async def test_a_command_that_is_put_back_is_issued_again_after_a_while(ledger: Ledger, state: RunState) -> None:
    run = await ledger.start()
    dispatch = ledger.dispatch()
    await dispatch.tick()
    if state is RunState.FINISHING:
        await ledger.plan(run, PlannedMapping(name="patients", batches=0))
        await dispatch.tick()
    command = PlanRun(run=run) if state is RunState.PLANNING else FinishRun(run=run)
    for _ in range(4):
        assert await put_back_command(ledger.connection, run, state, OTHER)
        assert not await put_back_command(ledger.connection, run, state, OTHER), "it is back already"
        assert await dispatch.tick() == Turn()
        await ledger.connection.execute("update transfuse.run set not_before = clock_timestamp()")
        assert (await dispatch.tick()).commands == (command,)
    assert await ledger.connection.fetchval("select command_attempts from transfuse.run") == 0
