"""`transfuse run`: start a run of a plan and watch it to its balance."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from transfuse.commands.plan import checked
from transfuse.exit_codes import ExitCode
from transfuse.following import follow
from transfuse.operator import actor, console, home_option, operator, run_async
from transfuse.starting import RunOptions, start
from transfuse.workers import workers

PRIORITIES = {"low": 1, "normal": 5, "high": 10, "critical": 15}


@click.command("run")
@click.argument("plan_path", metavar="PLAN", type=click.Path(exists=True, path_type=Path))
@home_option
@click.option("--migration", help="Name of the migration; the plan's name if it is not given.")
@click.option("--batch-rows", type=click.IntRange(1, 50_000), help="The most rows of one batch.")
@click.option(
    "--batch-bytes", type=click.IntRange(1_024, 16_777_216), help="Bytes of source text that a batch aims at."
)
@click.option("--priority", type=click.Choice(list(PRIORITIES)), default="normal", show_default=True)
@click.option("--detach", is_flag=True, help="Do not wait; only with started services.")
def run_command(
    plan_path: Path,
    home: Path,
    migration: str | None,
    batch_rows: int | None,
    batch_bytes: int | None,
    priority: str,
    *,
    detach: bool,
) -> int:
    """Run PLAN, a folder with plan.yml or the file itself, and watch it to its balance.

    With RABBITMQ_URL the started services do the work; without it they run inside this command. Ctrl-C stops cleanly,
    `transfuse resume` goes on.

    \b
    Examples:
      transfuse run plans/portal
      transfuse run plans/portal --batch-rows 20000 --priority high
    """
    options = RunOptions(batch_rows=batch_rows, batch_bytes=batch_bytes)
    return run_async(_run(plan_path, home, migration, options, PRIORITIES[priority], detach=detach))


async def _run(
    plan_path: Path, home: Path, migration: str | None, options: RunOptions, priority: int, *, detach: bool
) -> int:
    plan = checked(plan_path)
    async with operator(home) as ledger, workers(ledger.workspace) as working_here:
        run: UUID = await start(
            ledger.runs, plan, actor=actor(), migration=migration or plan.name, options=options, priority=priority
        )
        console.print(f"run {run} of {plan.name}")
        if detach and not working_here:
            console.print(f"Look at it with: transfuse status {run} --watch")
            return ExitCode.OK
        return await follow(ledger, run)
