"""`transfuse status`: how far a run is."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from transfuse.exit_codes import ExitCode
from transfuse.operator import console, home_option, operator, run_argument, run_async
from transfuse.screen.progress_view import progress_view
from transfuse.screen.summary import exit_code, summary
from transfuse.watching import STILL, watch


@click.command("status")
@run_argument
@home_option
@click.option("--watch", "watching", is_flag=True, help="Stay until the run ends or pauses.")
def status_command(run_id: UUID | None, home: Path, *, watching: bool) -> int:
    """Show a run, by default the youngest: progress while it moves, its balance when it has ended.

    \b
    Examples:
      transfuse status
      transfuse status --watch
      transfuse status 8c5a3f6e-0000-0000-0000-000000000000
    """
    return run_async(_show(home, run_id, watching=watching))


async def _show(home: Path, run_id: UUID | None, *, watching: bool) -> int:
    async with operator(home) as ledger:
        run = await ledger.run_or_latest(run_id)
        snapshot = await (watch(ledger.progress, run, console) if watching else ledger.progress.read(run))
        console.print(summary(snapshot) if snapshot.is_final else progress_view(snapshot))
        return exit_code(snapshot) if snapshot.state in STILL else ExitCode.OK
