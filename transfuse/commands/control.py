"""`transfuse cancel` and `transfuse pause`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from shared.core.states import RunState
from transfuse.operator import actor, console, home_option, operator, run_argument, run_async


@click.command("cancel")
@run_argument
@home_option
def cancel_command(run_id: UUID | None, home: Path) -> None:
    """End a run for good, by default the youngest. Nothing commits after it says `cancelled`.

    \b
    Example:
      transfuse cancel
    """
    state = run_async(_ask(home, run_id, "cancel"))
    console.print(f"The run is {state}. Rows that were loaded stay.")


@click.command("pause")
@run_argument
@home_option
def pause_command(run_id: UUID | None, home: Path) -> None:
    """Stop dispatching, by default of the youngest run; batches in flight settle.

    \b
    Example:
      transfuse pause && transfuse resume
    """
    state = run_async(_ask(home, run_id, "pause"))
    console.print(f"The run is {state}. Go on with: transfuse resume")


async def _ask(home: Path, run_id: UUID | None, verb: str) -> RunState:
    async with operator(home) as ledger:
        run = await ledger.run_or_latest(run_id)
        method = ledger.runs.cancel if verb == "cancel" else ledger.runs.pause
        return await method(run, actor=actor())
