"""Reports of health: at the start, at every tick, and again once the bus is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.bus.memory import MemoryBus
from shared.bus.port import Queue
from shared.core.errors import BusUnavailable, WorldError
from shared.core.ids import BatchRef
from shared.messages import Event, ExtractBatch, HealthReported, Message
from shared.runtime.heartbeat import Heartbeat
from shared.runtime.meter import Meter
from tests.contract.bus.worlds import RUN

PATIENCE = 10.0


class Ticks:
    """A tick that passes when the test says so."""

    def __init__(self) -> None:
        self._passed: asyncio.Queue[None] = asyncio.Queue()

    async def wait(self) -> None:
        await self._passed.get()

    def pass_one(self) -> None:
        self._passed.put_nowait(None)


class OneStage:
    name = "extract"
    queue = Queue.EXTRACT

    def __init__(self) -> None:
        self.meter = Meter(2)


class LameBus(MemoryBus):
    is_lame = False

    async def publish(self, message: Message) -> None:
        if self.is_lame:
            raise BusUnavailable("the bus is away")
        await super().publish(message)


async def answering() -> None:
    pass


async def silent() -> None:
    raise WorldError("it is away")


@asynccontextmanager
async def beating(heartbeat: Heartbeat) -> AsyncIterator[None]:
    draining = asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(heartbeat.run(draining), name="heartbeat")
        yield
        draining.set()


async def next_report(events: AsyncIterator[Event]) -> HealthReported:
    event = await anext(events)
    assert isinstance(event, HealthReported)
    return event


async def test_a_service_reports_at_its_start_and_at_every_tick() -> None:
    ticks = Ticks()
    async with MemoryBus() as bus, bus.subscribe() as events:
        heart = Heartbeat("loader", bus, probes={"target": answering, "bus": silent}, tick=ticks.wait)
        async with beating(heart):
            first = await next_report(events)
            ticks.pass_one()
            second = await next_report(events)
    assert first.service == second.service == "loader"
    assert first.connected == {"target": True, "bus": False}
    assert first.memory_bytes > 1_000_000
    assert first.started_at == second.started_at


async def test_a_report_tells_the_work_since_the_last_one_and_what_waits() -> None:
    stage = OneStage()
    async with MemoryBus() as bus:
        await bus.publish(ExtractBatch(batch=BatchRef(run=RUN, mapping="patients", seq=1, generation=1)))
        heart = Heartbeat("extractor", bus, probes={}, stages=(stage,))
        stage.meter.begin()
        stage.meter.end(rows=70)
        (told,) = (await heart.report()).stages
        (again,) = (await heart.report()).stages
    assert (told.stage, told.workers, told.handled, told.rows, told.queue_depth) == ("extract", 2, 1, 70, 1)
    assert (again.handled, again.rows) == (0, 0)


async def test_a_bus_that_is_away_ends_nothing() -> None:
    ticks = Ticks()
    async with LameBus() as bus, bus.subscribe() as events:
        bus.is_lame = True
        async with beating(Heartbeat("loader", bus, probes={}, tick=ticks.wait)):
            ticks.pass_one()
            bus.is_lame = False
            assert (await next_report(events)).service == "loader"


def test_work_in_hand_is_busy_from_its_beginning() -> None:
    now = 0.0
    meter = Meter(2, clock=lambda: now)
    meter.begin()
    meter.begin()
    now = 4.0
    meter.end(rows=5)
    now = 10.0
    found = meter.take()
    assert (found.seconds, found.handled, found.rows) == (10.0, 1, 5)
    assert found.busy_share == (4 + 10) / (10 * 2)
    now = 12.0
    assert meter.take().busy_share == 0.5
