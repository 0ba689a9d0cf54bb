"""Looks at a run again and again until it stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from rich.console import Console
from rich.live import Live

from shared.core.backoff import Backoff
from shared.core.errors import WorldError
from shared.core.states import FINAL, RunState
from shared.status.document import RunStatus
from transfuse.screen.figures import grouped
from transfuse.screen.progress_view import progress_view

LOOK_SECONDS = 0.25
LINE_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 5.0
STILL = FINAL | {RunState.PAUSED}


Read = Callable[[UUID], Awaitable[RunStatus]]


async def watch(read: Read, run: UUID, console: Console) -> RunStatus:
    """Show the run until it is final or paused; its last status. A pipe gets plain lines instead of a table.

    A ledger or a gateway that cannot be reached is waited for.
    """
    reading = _Reading(read, run, console)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            return await _follow(reading, lambda status: live.update(progress_view(status)))
    lines = _Lines(console)
    return await _follow(reading, lines.show)


class _Lines:
    """Plain lines for a pipe: at each new state, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state: RunState | None = None
        self._shown = 0.0

    def show(self, status: RunStatus) -> None:
        now = asyncio.get_running_loop().time()
        if status.phase is self._state and now - self._shown < LINE_SECONDS:
            return
        self._state, self._shown = status.phase, now
        progress = status.progress
        rows = f"{grouped(progress.current)} of {grouped(progress.total)} rows"
        rate = f"{grouped(round(status.rows_per_second))} rows/s"
        self._console.print(f"{status.phase}: {int(progress.percentage)}%, {rows}, {rate}")


class _Reading:
    """Reads a run again and again; while what it reads from is away it says so once and waits for it."""

    def __init__(self, read: Read, run: UUID, console: Console) -> None:
        self._read = read
        self._run = run
        self._console = console
        self._backoff = Backoff(first_seconds=LOOK_SECONDS, most_seconds=LONGEST_WAIT_SECONDS)

    async def next(self) -> RunStatus:
        is_told = False
        while True:
            try:
                status = await self._read(self._run)
            except WorldError as error:
                if not is_told:
                    self._console.print(f"waiting: {error}")
                is_told = True
                await asyncio.sleep(self._backoff.next_seconds())
            else:
                self._backoff.reset()
                return status


async def _follow(reading: _Reading, show: Callable[[RunStatus], None]) -> RunStatus:
    while True:
        status = await reading.next()
        show(status)
        if status.phase in STILL:
            return status
        await asyncio.sleep(LOOK_SECONDS)
