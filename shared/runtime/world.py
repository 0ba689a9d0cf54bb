"""Waiting for the world: what a stage does while something outside is unreachable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shared.core.backoff import Backoff
from shared.core.errors import WorldError
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import WORLD_DOWN, WORLD_SECONDS

log = get_logger(__name__)

Probe = Callable[[], Awaitable[None]]
"""Returns when a system answers, raises WorldError (or any error) otherwise."""


class World:
    """The one question whether what a stage needs can be reached, shared by all its workers.

    The first worker that meets a WorldError probes with growing, jittered delays of up to 10 seconds; the others wait
    for it. Delays begin anew only after a success of the work, so that a probe that succeeds while the work does not
    cannot make a tight loop.
    """

    def __init__(self, stage: str, probe: Probe, draining: asyncio.Event, *, first_seconds: float = 0.2) -> None:
        self._stage = stage
        self._probe = probe
        self._draining = draining
        self._backoff = Backoff(first_seconds=first_seconds, most_seconds=10.0)
        self._up = asyncio.Event()
        self._up.set()

    @property
    def is_up(self) -> bool:
        """Whether nobody waits."""
        return self._up.is_set()

    async def until_up(self) -> None:
        """Wait until nobody has to wait."""
        await self._up.wait()

    def succeeded(self) -> None:
        """Note that the work itself succeeded."""
        self._backoff.reset()

    async def came_back(self, error: WorldError) -> bool:
        """Wait until the world is back: True. False when the service is stopping instead."""
        if self._up.is_set():
            await self._wait(error)
        else:
            await self._up.wait()
        return not self._draining.is_set()

    async def _wait(self, error: WorldError) -> None:
        log.warning("waiting for the world", stage=self._stage, error=error)
        began = time.monotonic()
        self._up.clear()
        WORLD_DOWN.labels(stage=self._stage).set(1)
        try:
            while not await self._stopping_within(self._backoff.next_seconds()):
                if await self._answers():
                    log.info("the world is back", stage=self._stage, seconds=round(time.monotonic() - began, 3))
                    return
        finally:
            WORLD_DOWN.labels(stage=self._stage).set(0)
            WORLD_SECONDS.labels(stage=self._stage).inc(time.monotonic() - began)
            self._up.set()

    async def _answers(self) -> bool:
        try:
            await self._probe()
        except Exception as error:  # noqa: BLE001 - whatever the probe raises, the world is not back
            log.info("the world is still away", stage=self._stage, error=error)
            return False
        return True

    async def _stopping_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._draining.wait()
        return self._draining.is_set()
