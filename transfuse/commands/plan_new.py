"""`transfuse plan new`: a first plan, written from both catalogues."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import click

from shared.core.errors import Refused
from shared.plan.draft import draft_plan
from shared.plan.include import MAIN
from shared.plan.mappings import NAME
from transfuse.covering import catalogs_here
from transfuse.operator import console, home_option, run_async
from transfuse.workspace import Workspace


@click.command("new")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@home_option
@click.option("--name", help="The plan's name; the folder's unless told otherwise.")
@click.option("--source-schema", default="public", show_default=True, help="Schema of the legacy database.")
@click.option("--target-schema", default="public", show_default=True, help="Schema of the target.")
def new_command(folder: Path, home: Path, name: str | None, source_schema: str, target_schema: str) -> None:
    """Write a first plan into FOLDER from both databases' catalogues; no row is read.

    Tables and columns of one name and type are mapped, primary keys become keys, foreign keys references. Everything
    else is a question, `"?"`, with what it may be in a comment: the plan does not run before all are answered.

    \b
    Examples:
      transfuse plan new plans/clinic
      transfuse plan new plans/clinic --source-schema legacy --target-schema app
    """
    called = name or folder.resolve().name
    if not NAME.fullmatch(called):
        raise Refused(
            f"{called!r} is no name of a plan: a letter and up to 62 letters, digits, '_' and '-'.",
            remedy="Give it one with --name.",
            code="bad_name",
        )
    file = folder / MAIN
    if file.exists():
        raise Refused(
            f"{file} is there already.", remedy="Name another folder; nothing was changed.", code="plan_exists"
        )
    source, target = run_async(catalogs_here(Workspace(home), source_schema, target_schema))
    draft = draft_plan(called, uuid4(), source, target)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(draft.text, encoding="utf-8")
    console.print(f"{file}: {draft.mappings} mappings, {draft.questions} questions to answer")
    if draft.secret:
        console.print(f"Its namespace is a secret: give the transformer PLAN_SECRET_{draft.secret}, a new UUID.")
    console.print(f"Next: transfuse plan check {folder}")
