"""`transfuse run`: start a run of a plan and watch it to its balance."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from shared.core.priority import Priority
from shared.core.run_options import MOST_BATCH_ROWS, RunOptions
from shared.core.states import LoadMode
from shared.plan.selection import mode_of, select, tried_mode
from transfuse.commands.plan_files import checked
from transfuse.exit_codes import ExitCode
from transfuse.following import follow_all
from transfuse.operator import console, home_option, run_async
from transfuse.remote.option import api_option, run_control
from transfuse.run_control import AskedRun

PRIORITIES = {priority.lower(): priority for priority in Priority}
USUAL = RunOptions()


class How(TypedDict):
    """How a run is to be, as it was typed."""

    batch_rows: int
    batch_bytes: int
    only: tuple[str, ...]
    mode: str | None
    priority: str
    dry_run: bool
    suspend_constraints: bool


@click.command("run")
@click.argument("plan_path", metavar="PLAN", type=click.Path(exists=True, path_type=Path))
@home_option
@api_option
@click.option("--migration", help="Name of the migration; the plan's name if it is not given.")
@click.option(
    "--batch-rows",
    type=click.IntRange(1, MOST_BATCH_ROWS),
    default=USUAL.batch_rows,
    show_default=True,
    help="The most rows of one batch.",
)
@click.option(
    "--batch-bytes",
    type=click.IntRange(1_024, 16_777_216),
    default=USUAL.batch_bytes,
    show_default=True,
    help="Bytes of source text that a batch aims at.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="Run these mappings; or, as mapping.column, fill in columns of rows that are there.",
)
@click.option(
    "--mode",
    type=click.Choice(["insert", "merge"]),
    help="merge: the same plan again; rows that differ are updated. [default: insert]",
)
@click.option("--dry-run", is_flag=True, help="Try everything and write nothing; ends with a report of its checks.")
@click.option("--priority", type=click.Choice(list(PRIORITIES)), default="normal", show_default=True)
@click.option("--verify", is_flag=True, help="Compare every row that was written with its source before the run ends.")
@click.option(
    "--suspend-constraints",
    is_flag=True,
    help="Take indexes and foreign keys off while rows come in; they are back before the run ends.",
)
@click.option("--detach", is_flag=True, help="Do not wait; only with started services.")
def run_command(
    plan_path: Path,
    home: Path,
    api: str | None,
    migration: str | None,
    *,
    verify: bool,
    detach: bool,
    **how: Unpack[How],
) -> int:
    """Run PLAN, a folder with plan.yml or the file itself, and watch it to its balance.

    With --api the gateway there keeps the plan and its services do the work, with RABBITMQ_URL those that were started
    here; Ctrl-C ends the watching only. Without either they run inside this command: Ctrl-C stops cleanly, `transfuse
    resume` goes on.

    \b
    Examples:
      transfuse run plans/portal
      transfuse run plans/portal --batch-rows 20000 --priority high
      transfuse run plans/portal --only orders,order_files
      transfuse run plans/portal --only orders.suffix
      transfuse run plans/portal --dry-run
      transfuse run plans/portal --verify
      transfuse run plans/portal --api https://portal.example.org
    """
    plan = checked(plan_path)
    only = tuple(name.strip() for text in how["only"] for name in text.split(","))
    select(plan, only)
    mode = None if how["mode"] is None else LoadMode(how["mode"])
    if how["dry_run"] and verify:
        raise click.UsageError("--dry-run writes nothing that --verify could compare.")
    asked = AskedRun(
        plan=plan,
        migration=migration or plan.name,
        options=RunOptions(
            batch_rows=how["batch_rows"],
            batch_bytes=how["batch_bytes"],
            only=only,
            verify=verify,
            suspend_constraints=how["suspend_constraints"],
            tries=tried_mode(only, mode) if how["dry_run"] else LoadMode.INSERT,
        ),
        mode=LoadMode.CHECK if how["dry_run"] else mode_of(only, mode),
        priority=PRIORITIES[how["priority"]],
    )
    return run_async(_run(home, api, asked, detach=detach))


async def _run(home: Path, api: str | None, asked: AskedRun, *, detach: bool) -> int:
    async with run_control(home, api) as runs, runs.working() as working_here:
        run = await runs.start(asked)
        console.print(f"run {run} of {asked.plan.name}")
        if detach and not working_here:
            console.print(runs.again(run))
            return ExitCode.OK
        return await follow_all(runs, run)
