"""The loop that removes the bulk details of older runs, once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import msgspec

from shared.core.backoff import Backoff
from shared.core.errors import TransfuseError, WorldError
from shared.ledger.retention import Details, Retention
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

ACTOR = "retention"
DAY_SECONDS = 86_400.0
LONGEST_WAIT_SECONDS = 600.0


async def one_day() -> None:
    """The tick: what is old today was kept yesterday."""
    await asyncio.sleep(DAY_SECONDS)


class Cleaner:
    """Makes a pass at the start and at every tick, one gateway at a time. A broken pass goes on later."""

    def __init__(self, retention: Retention, *, tick: Callable[[], Awaitable[None]] = one_day) -> None:
        self._retention = retention
        self._tick = tick
        self._backoff = Backoff(first_seconds=1.0, most_seconds=LONGEST_WAIT_SECONDS)

    async def run(self, draining: asyncio.Event) -> None:
        """Clean until `draining` is set; a pass that is under way then is broken off."""
        async with asyncio.TaskGroup() as tasks:
            cleaning = tasks.create_task(self._go_on(), name="retention")
            await draining.wait()
            cleaning.cancel()

    async def _go_on(self) -> None:
        while True:
            try:
                removed = await self._retention.clean(actor=ACTOR, transfuse_version=version("transfuse"))
            except WorldError as error:
                log.warning("retention waits for the ledger", error=error)
                await asyncio.sleep(self._backoff.next_seconds())
                continue
            except TransfuseError as error:
                log.error("retention was refused", error=error)
            else:
                self._backoff.reset()
                if removed:
                    counts = msgspec.structs.asdict(sum((item.details for item in removed), Details()))
                    log.info("details of older runs are removed", counts=counts)
            await self._tick()
