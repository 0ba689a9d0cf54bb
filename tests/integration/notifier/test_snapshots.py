"""Snapshots of runs, folded from events and read from the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from services.notifier.snapshots import Snapshots
from shared.bus.memory import MemoryBus
from shared.core.counts import Counts
from shared.core.errors import Refused, WorldError
from shared.core.states import RunState
from shared.ledger.following import Following
from shared.ledger.progress import Progress
from shared.ledger.snapshots import RunSnapshot
from shared.messages import BatchSettled, RunChanged
from tests.ledgers.ledger import Ledger, PlannedMapping, batches


class CountingProgress(Progress):
    """Counts readings, and may be away."""

    readings = 0
    failures_left = 0

    async def read(self, run: UUID) -> RunSnapshot:
        self.readings += 1
        if self.failures_left:
            self.failures_left -= 1
            raise WorldError("The ledger is away.")
        return await super().read(run)


class Steps:
    """An interval that passes when the test says so."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self._passed: asyncio.Queue[None] = asyncio.Queue()

    async def wait(self) -> None:
        self.waiting.set()
        await self._passed.get()

    def pass_one(self) -> None:
        self.waiting.clear()
        self._passed.put_nowait(None)


async def never() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def keeping(snapshots: Snapshots) -> AsyncIterator[None]:
    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(snapshots.run(draining))
        try:
            yield
        finally:
            draining.set()


async def finish(ledger: Ledger, run: UUID) -> None:
    await ledger.dispatch().tick()
    await ledger.connection.execute("update transfuse.run set state = 'completed' where id = $1", run)


async def test_a_follower_sees_a_run_grow_to_its_end(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=3))
    following = Following(ledger.progress, interval=lambda: asyncio.sleep(0))
    async with MemoryBus() as bus, keeping(Snapshots(following, bus, tick=never)):
        seen = []
        async for snapshot in following.subscribe(run):
            seen.append(snapshot)
            if snapshot.batches.settled < 3:
                for ref in batches(await ledger.dispatch(window=1).tick()):
                    await ledger.settle(ref)
                    await bus.publish(BatchSettled(batch=ref, counts=Counts()))
            elif not snapshot.is_final:
                await finish(ledger, run)
                await bus.publish(RunChanged(run=run, state=RunState.COMPLETED))
    assert [snapshot.batches.settled for snapshot in seen] == [0, 1, 2, 3, 3]
    assert seen[-1].state is RunState.COMPLETED
    assert following.latest(run) == seen[-1] or following.latest(run) is None


async def test_a_hundred_events_within_an_interval_are_one_reading(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    progress, steps = CountingProgress(ledger.pool), Steps()
    following = Following(progress, interval=steps.wait)
    async with MemoryBus() as bus, keeping(Snapshots(following, bus, tick=never)):
        following.touch(run)
        await steps.waiting.wait()
        assert progress.readings == 1
        for _ in range(100):
            await bus.publish(RunChanged(run=run, state=RunState.RUNNING))
        steps.pass_one()
        await steps.waiting.wait()
        assert progress.readings == 2
        snapshot = following.latest(run)
        assert snapshot is not None
        assert snapshot.run == run


async def test_a_run_whose_reading_failed_is_read_again(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    progress, steps = CountingProgress(ledger.pool), Steps()
    progress.failures_left = 2
    following = Following(progress, interval=steps.wait)
    async with MemoryBus() as bus, keeping(Snapshots(following, bus, tick=never)):
        following.touch(uuid4())
        following.touch(run)
        await steps.waiting.wait()
        assert progress.readings == 4
        assert following.latest(run) is not None


async def test_a_lost_event_costs_a_tick(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=0))
    ticks: asyncio.Queue[None] = asyncio.Queue()
    following = Following(ledger.progress, interval=lambda: asyncio.sleep(0))
    async with MemoryBus() as bus, keeping(Snapshots(following, bus, tick=ticks.get)):
        states = []
        async for snapshot in following.subscribe(run):
            states.append(snapshot.state)
            if not snapshot.is_final:
                await finish(ledger, run)
                ticks.put_nowait(None)
    assert states == [RunState.RUNNING, RunState.COMPLETED]


async def test_an_unknown_run_is_refused_to_its_follower(ledger: Ledger) -> None:
    following = Following(ledger.progress)
    with pytest.raises(Refused):
        await anext(following.subscribe(uuid4()))


async def test_a_slow_follower_gets_the_newest_snapshot_only(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=3))
    following = Following(ledger.progress, interval=lambda: asyncio.sleep(0))
    follower = following.subscribe(run)
    assert (await anext(follower)).batches.settled == 0
    for ref in batches(await ledger.dispatch().tick()):
        await ledger.settle(ref)
        following.touch(run)
        await following.read_touched()
    assert (await anext(follower)).batches.settled == 3
    await follower.aclose()  # type: ignore[attr-defined]
