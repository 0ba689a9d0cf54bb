"""`transfuse cancel` and `transfuse pause`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from shared.core.states import RunState
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control


@click.command("cancel")
@run_argument
@home_option
@api_option
def cancel_command(run_id: UUID | None, home: Path, api: str | None) -> None:
    """End a run for good, by default the youngest. Nothing commits after it says `cancelled`.

    \b
    Example:
      transfuse cancel
    """
    state = run_async(_ask(home, api, run_id, "cancel"))
    console.print(f"The run is {state}. Rows that were loaded stay.")


@click.command("pause")
@run_argument
@home_option
@api_option
def pause_command(run_id: UUID | None, home: Path, api: str | None) -> None:
    """Stop dispatching, by default of the youngest run; batches in flight settle.

    \b
    Example:
      transfuse pause && transfuse resume
    """
    state = run_async(_ask(home, api, run_id, "pause"))
    console.print(f"The run is {state}. Go on with: transfuse resume{f' --api {api}' if api else ''}")


async def _ask(home: Path, api: str | None, run_id: UUID | None, verb: str) -> RunState:
    async with run_control(home, api) as runs:
        run = await runs.run_or_latest(run_id)
        return await (runs.cancel(run) if verb == "cancel" else runs.pause(run))
