"""`transfuse plan`: check a plan, and see what it will do."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.text import Text

from shared.core.errors import Refused
from shared.plan.checks import check_plan
from shared.plan.explain import explain, explanation_text
from shared.plan.model import Plan
from shared.plan.reader import MAIN, read_plan
from transfuse.compiling import compiled_here
from transfuse.operator import console, home_option, run_async
from transfuse.workspace import Workspace

plan_argument = click.argument("plan_path", metavar="PLAN", type=click.Path(exists=True, path_type=Path))


@click.group("plan")
def plan_command() -> None:
    """Check a plan and see what it will do.

    \b
    Examples:
      transfuse plan check plans/portal
      transfuse plan explain plans/portal --mapping orders
    """


@plan_command.command("check")
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
    if connected:
        run_async(compiled_here(Workspace(home), plan))
    where = "against both databases" if connected else "without a database"
    counted = f"{len(plan.mappings)} mappings, {len(plan.codebooks)} codebooks"
    console.print(Text.assemble(("✓", "green"), f" {plan.name}: {counted}, sound {where}"))


@plan_command.command("explain")
@plan_argument
@home_option
@click.option("--mapping", help="Only this mapping.")
def explain_command(plan_path: Path, home: Path, mapping: str | None) -> None:
    """Show the order of mappings, the SQL that will run on both sides and the columns that are read.

    \b
    Example:
      transfuse plan explain plans/portal --mapping orders
    """
    plan = checked(plan_path)
    compilation = run_async(compiled_here(Workspace(home), plan))
    explanation = explain(compilation.compiled)
    chosen = tuple(one for one in explanation.mappings if mapping in {None, one.name})
    if not chosen:
        raise Refused(f"The plan has no mapping {mapping}.", remedy="Leave --mapping out to see them all.")
    click.echo(explanation_text(msgspec.structs.replace(explanation, mappings=chosen)))


def checked(path: Path) -> Plan:
    """A plan that is sound as far as can be told without a database. Raises PlanRefused, Refused (`no_plan`)."""
    if path.is_dir() and not (path / MAIN).is_file():
        raise Refused(f"The folder {path} has no {MAIN}.", remedy="Name the plan's folder or its file.", code="no_plan")
    plan = read_plan(path)
    check_plan(plan)
    return plan
