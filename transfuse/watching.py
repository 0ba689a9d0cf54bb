"""Looks at a run again and again until it stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from rich.console import Console
from rich.live import Live

from shared.core.backoff import Backoff
from shared.core.errors import WorldError
from shared.core.states import FINAL, RunState
from shared.ledger.progress import Progress
from shared.ledger.snapshots import RunSnapshot
from transfuse.screen.figures import grouped
from transfuse.screen.progress_view import progress_view, share_done

LOOK_SECONDS = 0.25
LINE_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 5.0
STILL = FINAL | {RunState.PAUSED}


async def watch(progress: Progress, run: UUID, console: Console) -> RunSnapshot:
    """Show the run until it is final or paused; its last snapshot. A pipe gets plain lines instead of a table.

    A ledger that cannot be reached is waited for.
    """
    reading = _Reading(progress, run, console)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            return await _follow(reading, lambda snapshot: live.update(progress_view(snapshot)))
    lines = _Lines(console)
    return await _follow(reading, lines.show)


class _Lines:
    """Plain lines for a pipe: at each new state, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state: RunState | None = None
        self._shown = 0.0

    def show(self, snapshot: RunSnapshot) -> None:
        now = asyncio.get_running_loop().time()
        if snapshot.state is self._state and now - self._shown < LINE_SECONDS:
            return
        self._state, self._shown = snapshot.state, now
        rows = f"{grouped(snapshot.counts.read)} of {grouped(snapshot.row_total)} rows"
        rate = f"{grouped(round(snapshot.rows_per_second))} rows/s"
        self._console.print(f"{snapshot.state}: {share_done(snapshot):.0%}, {rows}, {rate}")


class _Reading:
    """Reads a run again and again; while its ledger is away it says so once and waits for it."""

    def __init__(self, progress: Progress, run: UUID, console: Console) -> None:
        self._progress = progress
        self._run = run
        self._console = console
        self._backoff = Backoff(first_seconds=LOOK_SECONDS, most_seconds=LONGEST_WAIT_SECONDS)

    async def next(self) -> RunSnapshot:
        is_told = False
        while True:
            try:
                snapshot = await self._progress.read(self._run)
            except WorldError as error:
                if not is_told:
                    self._console.print(f"waiting: {error}")
                is_told = True
                await asyncio.sleep(self._backoff.next_seconds())
            else:
                self._backoff.reset()
                return snapshot


async def _follow(reading: _Reading, show: Callable[[RunSnapshot], None]) -> RunSnapshot:
    while True:
        snapshot = await reading.next()
        show(snapshot)
        if snapshot.state in STILL:
            return snapshot
        await asyncio.sleep(LOOK_SECONDS)
