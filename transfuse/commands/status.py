"""`transfuse status`: how far a run is."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from shared.core.states import FINAL
from transfuse.exit_codes import ExitCode
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control
from transfuse.screen.progress_view import progress_view
from transfuse.screen.summary import exit_code, summary
from transfuse.watching import STILL, watch


@click.command("status")
@run_argument
@home_option
@api_option
@click.option("--watch", "watching", is_flag=True, help="Stay until the run ends or pauses.")
def status_command(run_id: UUID | None, home: Path, api: str | None, *, watching: bool) -> int:
    """Show a run, by default the youngest: progress while it moves, its balance when it has ended.

    \b
    Examples:
      transfuse status
      transfuse status --watch
      transfuse status --watch --api https://portal.example.org
      transfuse status 8c5a3f6e-0000-0000-0000-000000000000
    """
    return run_async(_show(home, api, run_id, watching=watching))


async def _show(home: Path, api: str | None, run_id: UUID | None, *, watching: bool) -> int:
    async with run_control(home, api) as runs:
        run = await runs.run_or_latest(run_id)
        status = await (watch(runs.status, run, console) if watching else runs.status(run))
        console.print(summary(status) if status.phase in FINAL else progress_view(status))
        return exit_code(status) if status.phase in STILL else ExitCode.OK
