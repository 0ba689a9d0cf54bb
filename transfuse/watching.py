"""Looks at a run again and again until it stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from rich.console import Console
from rich.live import Live

from shared.core.states import FINAL, RunState
from shared.ledger.progress import Progress
from shared.ledger.snapshots import RunSnapshot
from transfuse.screen.figures import grouped
from transfuse.screen.progress_view import progress_view, share_done

LOOK_SECONDS = 0.25
LINE_SECONDS = 5.0
STILL = FINAL | {RunState.PAUSED}


async def watch(progress: Progress, run: UUID, console: Console) -> RunSnapshot:
    """Show the run until it is final or paused; its last snapshot. A pipe gets plain lines instead of a table."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            return await _follow(progress, run, lambda snapshot: live.update(progress_view(snapshot)))
    lines = _Lines(console)
    return await _follow(progress, run, lines.show)


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


async def _follow(progress: Progress, run: UUID, show: Callable[[RunSnapshot], None]) -> RunSnapshot:
    while True:
        snapshot = await progress.read(run)
        show(snapshot)
        if snapshot.state in STILL:
            return snapshot
        await asyncio.sleep(LOOK_SECONDS)
