"""Folds events into one snapshot per run, read from the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

from shared.bus.port import Bus
from shared.core.backoff import Backoff
from shared.core.errors import BusUnavailable, WorldError
from shared.ledger.following import Following
from shared.ledger.snapshots import RunSnapshot
from shared.messages import BatchSettled, Event, RunChanged
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

TICK_SECONDS = 1.0


async def one_second() -> None:
    """The tick: a followed run is read at least so often, whatever became of its events."""
    await asyncio.sleep(TICK_SECONDS)


class Snapshots:
    """Events say that a run moved, the ledger says how far: a lost or doubled event changes nothing."""

    def __init__(self, following: Following, bus: Bus, *, tick: Callable[[], Awaitable[None]] = one_second) -> None:
        self._following = following
        self._bus = bus
        self._tick = tick
        self._backoff = Backoff(first_seconds=0.2, most_seconds=10.0)

    def subscribe(self, run: UUID) -> AsyncIterator[RunSnapshot]:
        """Snapshots of one run from now to its end, at most four a second."""
        return self._following.subscribe(run)

    async def run(self, draining: asyncio.Event) -> None:
        """Keep snapshots until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._listen(), name="notifier events"),
                tasks.create_task(self._read(), name="notifier snapshots"),
                tasks.create_task(self._look_again(), name="notifier tick"),
            ]
            await draining.wait()
            for task in work:
                task.cancel()

    async def _listen(self) -> None:
        async with self._bus.subscribe() as events:
            async for event in events:
                self._fold(event)
        raise BusUnavailable("the bus was closed under the notifier", code="bus_closed")

    def _fold(self, event: Event) -> None:
        match event:
            case RunChanged(run=run):
                self._following.touch(run)
            case BatchSettled(batch=ref):
                self._following.touch(ref.run)
            case _:
                return

    async def _read(self) -> None:
        while True:
            try:
                await self._following.read_touched()
            except WorldError as error:
                log.warning("snapshots wait for the ledger", error=error)
                await asyncio.sleep(self._backoff.next_seconds())
            else:
                self._backoff.reset()

    async def _look_again(self) -> None:
        while True:
            await self._tick()
            self._following.touch_followed()
