"""`transfuse resume`: go on with a run that was paused, interrupted or failed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from transfuse.following import follow
from transfuse.operator import actor, console, home_option, operator, run_argument, run_async
from transfuse.workers import workers


@click.command("resume")
@run_argument
@home_option
def resume_command(run_id: UUID | None, home: Path) -> int:
    """Go on with a run, by default the youngest, and watch it to its balance.

    Settled batches stay as they are. Where the snapshot is gone open batches are read from a new one, and the run is
    marked for it.

    \b
    Example:
      transfuse resume
    """
    return run_async(_resume(home, run_id))


async def _resume(home: Path, run_id: UUID | None) -> int:
    async with operator(home) as ledger:
        run = await ledger.run_or_latest(run_id)
        async with workers(ledger.workspace) as working_here:
            # Services that live in this process hold no snapshot of an earlier one.
            state = await ledger.runs.resume(run, actor=actor(), snapshot_lost=working_here)
            console.print(f"run {run} goes on: {state}")
            return await follow(ledger, run)
