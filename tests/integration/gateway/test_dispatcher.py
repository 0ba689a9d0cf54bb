"""The loop of the gateway: from the ledger to the bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.gateway.dispatcher import Dispatcher
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, Queue
from shared.core.counts import Counts
from shared.core.errors import BusUnavailable, WorldError
from shared.core.states import RunState
from shared.ledger.dispatch import Dispatch, Turn
from shared.ledger.settling import Claim
from shared.messages import BatchSettled, ExtractBatch, FinishRun, Message, PlanRun, RunChanged
from tests.ledgers.ledger import ROWS, Ledger, PlannedMapping

MAPPINGS = (
    PlannedMapping(name="doctors", batches=5),
    PlannedMapping(name="patients", batches=12, depends_on=("doctors",)),
)


async def never() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def dispatching(dispatcher: Dispatcher) -> AsyncIterator[None]:
    """A dispatcher at work, drained at the end."""
    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run(draining))
        yield
        draining.set()


async def play_extractor_and_loader(ledger: Ledger, bus: Bus, batch_count: int) -> list[str]:
    """Settle so many batches as they come and tell it on the bus."""
    order: list[str] = []
    async with bus.consume(Queue.EXTRACT, prefetch=4) as deliveries:
        while len(order) < batch_count:
            delivery = await anext(deliveries)
            assert isinstance(delivery.message, ExtractBatch)
            ref = delivery.message.batch
            if await ledger.settle(ref) is Claim.CLAIMED:
                order.append(ref.mapping)
            await bus.publish(BatchSettled(batch=ref, counts=Counts(read=ROWS, loaded=ROWS)))
            await delivery.ack()
    return order


async def take(bus: Bus, queue: Queue) -> Message:
    async with bus.consume(queue, prefetch=1) as deliveries:
        delivery = await anext(deliveries)
        await delivery.ack()
        return delivery.message


async def test_events_alone_carry_a_run_from_start_to_finish(ledger: Ledger) -> None:
    run = await ledger.start()
    async with MemoryBus() as bus, bus.subscribe() as events:
        async with dispatching(Dispatcher(ledger.dispatch(window=3), bus, tick=never)):
            assert await take(bus, Queue.PLAN) == PlanRun(run=run)
            await ledger.plan(run, *MAPPINGS)
            await bus.publish(RunChanged(run=run, state=RunState.RUNNING))
            order = await play_extractor_and_loader(ledger, bus, 17)
            assert await take(bus, Queue.FINISH) == FinishRun(run=run)
        assert order == ["doctors"] * 5 + ["patients"] * 12
        changes: list[RunState] = []
        while not changes or changes[-1] is not RunState.FINISHING:
            event = await anext(events)
            if isinstance(event, RunChanged):
                changes.append(event.state)
        assert changes == [RunState.PLANNING, RunState.RUNNING, RunState.FINISHING]


async def test_what_no_event_tells_is_noticed_at_the_tick(ledger: Ledger) -> None:
    ticks: asyncio.Queue[None] = asyncio.Queue()
    async with MemoryBus() as bus, dispatching(Dispatcher(ledger.dispatch(), bus, tick=ticks.get)):
        run = await ledger.start()
        ticks.put_nowait(None)
        assert await take(bus, Queue.PLAN) == PlanRun(run=run)


class LameBus(MemoryBus):
    """A bus that confirms nothing at first."""

    failures_left = 3

    async def publish(self, message: Message) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise BusUnavailable("not confirmed")
        await super().publish(message)


async def test_what_the_bus_does_not_take_is_given_back_and_issued_when_it_does(ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=2))
    async with LameBus() as bus:
        async with dispatching(Dispatcher(ledger.dispatch(), bus, tick=never)):
            assert await play_extractor_and_loader(ledger, bus, 2) == ["patients", "patients"]
        assert bus.failures_left == 0
    found = await ledger.connection.fetch("select attempts, reissues from transfuse.batch")
    assert {(row["attempts"], row["reissues"]) for row in found} == {(0, 0)}


class LameDispatch(Dispatch):
    """A ledger that is away at first."""

    failures_left = 2

    async def tick(self) -> Turn:
        if self.failures_left:
            self.failures_left -= 1
            raise WorldError("The ledger is away.")
        return await super().tick()


async def test_it_waits_for_the_ledger_and_goes_on(ledger: Ledger) -> None:
    run = await ledger.start()
    async with MemoryBus() as bus, dispatching(Dispatcher(LameDispatch(ledger.pool), bus, tick=never)):
        assert await take(bus, Queue.PLAN) == PlanRun(run=run)


async def test_two_dispatchers_on_one_bus_settle_every_batch_once(ledger: Ledger) -> None:
    run = await ledger.running(*MAPPINGS)
    async with (
        MemoryBus() as bus,
        dispatching(Dispatcher(ledger.dispatch(window=4), bus, tick=never)),
        dispatching(Dispatcher(ledger.dispatch(window=4), bus, tick=never)),
    ):
        order = await play_extractor_and_loader(ledger, bus, 17)
        assert await take(bus, Queue.FINISH) == FinishRun(run=run)
    assert order == ["doctors"] * 5 + ["patients"] * 12
