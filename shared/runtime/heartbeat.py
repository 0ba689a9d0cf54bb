"""Every service tells all others, unasked, that it lives, what it reaches and what its stages do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Protocol

from shared.bus.port import Bus, Queue
from shared.core.errors import WorldError
from shared.messages import HealthReported, StageHealth
from shared.messages.events import BEAT_SECONDS
from shared.runtime.memory import resident_bytes
from shared.runtime.meter import Meter
from shared.runtime.probing import ask
from shared.runtime.processor import Processor
from shared.runtime.service import Loop
from shared.runtime.world import Probe
from shared.telemetry.logging import get_logger

log = get_logger(__name__)


class Metered(Protocol):
    """A stage whose work is counted."""

    @property
    def name(self) -> str:
        """The stage's word."""
        ...

    @property
    def queue(self) -> Queue:
        """The queue it takes from."""
        ...

    @property
    def meter(self) -> Meter:
        """The count of its work."""
        ...


async def five_seconds() -> None:
    """The time between two reports."""
    await asyncio.sleep(BEAT_SECONDS)


class Heartbeat:
    """Reports at the start and then after each `tick`. Who hears nothing for three beats takes the service for gone.

    A bus that is away costs the reports of that time; the next one says that it is back.
    """

    def __init__(
        self,
        service: str,
        bus: Bus,
        *,
        probes: Mapping[str, Probe],
        stages: Sequence[Metered] = (),
        tick: Callable[[], Awaitable[None]] = five_seconds,
    ) -> None:
        self._service = service
        self._instance = f"{socket.gethostname()}:{os.getpid()}"
        self._started_at = datetime.now(UTC)
        self._bus = bus
        self._probes = dict(probes)
        self._stages = tuple(stages)
        self._processor = Processor()
        self._tick = tick

    async def run(self, draining: asyncio.Event) -> None:
        """Report until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self._beat(), name=f"{self._service} heartbeat")
            await draining.wait()
            beating.cancel()

    async def report(self) -> HealthReported:
        """How this instance is now, and what it did since the last report."""
        connected = {name: error is None for name, error in (await ask(self._probes)).items()}
        return HealthReported(
            service=self._service,
            instance=self._instance,
            version=version("transfuse"),
            started_at=self._started_at,
            connected=connected,
            memory_bytes=resident_bytes(),
            cpu_share=self._processor.take(),
            stages=tuple([await self._stage(stage) for stage in self._stages]),
        )

    async def _beat(self) -> None:
        is_away = False
        while True:
            try:
                await self._bus.publish(await self.report())
            except WorldError as error:
                if not is_away:
                    log.warning("reports of health wait for the bus", error=error)
                is_away = True
            else:
                is_away = False
            await self._tick()

    async def _stage(self, stage: Metered) -> StageHealth:
        done = stage.meter.take()
        return StageHealth(
            stage=stage.name,
            workers=stage.meter.workers,
            handled=done.handled,
            rows=done.rows,
            seconds=done.seconds,
            busy_share=done.busy_share,
            queue_depth=await self._depth(stage.queue),
        )

    async def _depth(self, queue: Queue) -> int | None:
        try:
            return await self._bus.depth(queue)
        except WorldError:
            return None


def heartbeat(service: str, bus: Bus, *, probes: Mapping[str, Probe], stages: Sequence[Metered] = ()) -> Loop:
    """The part of a service that reports its health."""
    return Loop("heartbeat", Heartbeat(service, bus, probes=probes, stages=stages).run)
