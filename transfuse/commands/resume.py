"""`transfuse resume`: go on with a run that was paused, interrupted or failed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from transfuse.following import follow_all
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control


@click.command("resume")
@run_argument
@home_option
@api_option
@click.option("--mapping", "mappings", multiple=True, metavar="NAME", help="Open this mapping alone again; repeatable.")
def resume_command(run_id: UUID | None, home: Path, api: str | None, *, mappings: tuple[str, ...]) -> int:
    """Go on with a run, by default the youngest, and watch it to its balance.

    Settled batches stay as they are. Where the snapshot is gone open batches are read from a new one, and the run is
    marked for it.

    With --mapping only that one goes on; others that are paused or failed stay so, and the run ends as they are.

    \b
    Examples:
      transfuse resume
      transfuse resume --mapping orders
    """
    return run_async(_resume(home, api, run_id, mappings))


async def _resume(home: Path, api: str | None, run_id: UUID | None, mappings: tuple[str, ...]) -> int:
    async with run_control(home, api) as runs:
        run = await runs.run_or_latest(run_id)
        async with runs.working():
            console.print(f"run {run} goes on: {await runs.resume(run, mappings)}")
            return await follow_all(runs, run)
