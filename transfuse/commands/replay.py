"""`transfuse replay`: read refused rows again."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack
from uuid import UUID

import click

from shared.core.run_options import ReplayChoice
from shared.plan.model import Plan
from transfuse.commands.plan_files import checked
from transfuse.commands.row_options import Which, choice_of, row_options
from transfuse.controls import controls
from transfuse.following import follow_all
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option


@click.command("replay")
@run_argument
@home_option
@api_option
@row_options
@click.option(
    "--plan",
    "plan_path",
    type=click.Path(exists=True, path_type=Path),
    help="Make this text the newest version of the run's plan first.",
)
def replay_command(
    run_id: UUID | None, home: Path, api: str | None, plan_path: Path | None, **which: Unpack[Which]
) -> int:
    """Read rows again that a run refused, by default the youngest run that read all rows, and watch to the balance.

    They are read from the source as it is now, by the newest version of the plan, with values that were edited. Rows
    that wait for one of them go with them. Without a choice every row that waits is replayed.

    \b
    Examples:
      transfuse replay                                  what was wrong in the source is corrected there
      transfuse replay --plan plans/portal              the plan is corrected
      transfuse replay --reason unknown_code --mapping orders
      transfuse replay --row 0f3b6c1e-0000-0000-0000-000000000000
    """
    choice = choice_of(which)
    plan = None if plan_path is None else checked(plan_path)
    return run_async(_replay(home, api, run_id, choice, plan))


async def _replay(home: Path, api: str | None, run_id: UUID | None, choice: ReplayChoice, plan: Plan | None) -> int:
    async with controls(home, api) as control:
        about = await control.run_or_latest(run_id)
        if plan is not None:
            await control.quarantine.keep_plan(about, plan)
        async with control.runs.working():
            run = await control.quarantine.replay(about, choice)
            console.print(f"run {run} replays rows of {about}")
            return await follow_all(control.runs, run)
