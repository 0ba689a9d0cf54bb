"""Reads the reports of health off the bus and keeps them on the board."""

from __future__ import annotations

import asyncio

from shared.bus.port import Bus
from shared.core.errors import BusUnavailable
from shared.messages import HealthReported
from shared.status.board import HealthBoard


class HealthReports:
    """A report that is lost costs nothing: three have to be missing before an instance is forgotten."""

    def __init__(self, bus: Bus, board: HealthBoard) -> None:
        self._bus = bus
        self._board = board

    async def run(self, draining: asyncio.Event) -> None:
        """Read until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(), name="health reports reading")
            await draining.wait()
            reading.cancel()

    async def _read(self) -> None:
        async with self._bus.subscribe() as events:
            async for event in events:
                if isinstance(event, HealthReported):
                    self._board.note(event)
        raise BusUnavailable("the bus was closed under the health reports", code="bus_closed")
