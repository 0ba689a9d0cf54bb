"""`transfuse plan explain`: what a plan will do."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from shared.core.errors import Refused
from shared.plan.explain import explain, explanation_text
from transfuse.commands.plan_files import checked, plan_argument
from transfuse.compiling import compiled_here
from transfuse.operator import home_option, run_async
from transfuse.workspace import Workspace


@click.command("explain")
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
