"""`transfuse plan check`: everything that is wrong with a plan."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from transfuse.commands.plan_files import checked, plan_argument
from transfuse.compiling import compiled_here
from transfuse.operator import console, home_option, run_async
from transfuse.workspace import Workspace


@click.command("check")
@plan_argument
@home_option
@click.option("--connect", "connected", is_flag=True, help="Hold it against both databases too.")
def check_command(plan_path: Path, home: Path, *, connected: bool) -> None:
    """Say everything that is wrong with PLAN, each with file, line and column. Needs no database without --connect.

    \b
    Examples:
      transfuse plan check plans/portal
      transfuse plan check plans/portal --connect
    """
    plan = checked(plan_path)
    compilation = run_async(compiled_here(Workspace(home), plan)) if connected else None
    where = "against both databases" if connected else "without a database"
    counted = f"{len(plan.mappings)} mappings, {len(plan.codebooks)} codebooks"
    console.print(Text.assemble(("✓", "green"), f" {plan.name}: {counted}, sound {where}"))
    for retired in () if compilation is None else compilation.compiled.retired:
        name = f"{retired.table}.{retired.column}"
        said = "is still there, see `transfuse plan explain`" if retired.there else "is gone: take it out of `retired`"
        console.print(Text(f"  {name} {said}"))
