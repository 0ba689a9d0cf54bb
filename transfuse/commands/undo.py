"""`transfuse undo`: take back what one run wrote."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from shared.core.run_options import BuiltOn
from transfuse.exit_codes import ExitCode
from transfuse.following import follow
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control


@click.command("undo")
@run_argument
@home_option
@api_option
@click.option(
    "--built-on",
    type=click.Choice([choice.value for choice in BuiltOn]),
    default=BuiltOn.REFUSE.value,
    show_default=True,
    help="Rows that others changed since, or refer to: write nothing; leave them; take changed ones back all the same.",
)
@click.option("--detach", is_flag=True, help="Do not wait; only with started services.")
def undo_command(run_id: UUID | None, home: Path, api: str | None, *, built_on: str, detach: bool) -> int:
    """Remove what RUN inserted and put back what it changed, by default of the youngest run that wrote rows.

    The undo is a run of its own: it is watched, paused and resumed like any. Rows of all other runs stay as they are.
    Before anything is written every row is looked at; where others built on one since, nothing happens unless
    --built-on says what to do.

    \b
    Examples:
      transfuse undo
      transfuse undo 8c5a3f6e-0000-0000-0000-000000000000 --built-on keep
    """
    return run_async(_undo(home, api, run_id, BuiltOn(built_on), detach=detach))


async def _undo(home: Path, api: str | None, run_id: UUID | None, built_on: BuiltOn, *, detach: bool) -> int:
    async with run_control(home, api) as runs:
        run = await runs.run_to_undo(run_id)
        async with runs.working() as working_here:
            undo = await runs.undo(run, built_on)
            console.print(f"undo {undo} of run {run}")
            if detach and not working_here:
                console.print(runs.again(undo))
                return ExitCode.OK
            return await follow(runs, undo)
