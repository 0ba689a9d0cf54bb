"""What the bus says: which runs moved, and how the services are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from shared.bus.port import Bus
from shared.core.errors import BusUnavailable
from shared.messages import BatchSettled, Event, HealthReported, RunChanged
from shared.runtime.failpoints import failpoint
from shared.status.board import HealthBoard


class BusEvents:
    """Reads events, for this process alone. One that is lost costs a round of the rooms."""

    def __init__(self, bus: Bus, moved: Callable[[UUID], None], board: HealthBoard) -> None:
        self._bus = bus
        self._moved = moved
        self._board = board

    async def run(self, draining: asyncio.Event) -> None:
        """Read until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(), name="bus events")
            await draining.wait()
            reading.cancel()

    async def _read(self) -> None:
        async with self._bus.subscribe() as events:
            async for event in events:
                await failpoint("notifier.before_event")
                self._take(event)
        raise BusUnavailable("the bus was closed under the notifier", code="bus_closed")

    def _take(self, event: Event) -> None:
        match event:
            case RunChanged(run=run):
                self._moved(run)
            case BatchSettled(batch=ref):
                self._moved(ref.run)
            case HealthReported():
                self._board.note(event)
