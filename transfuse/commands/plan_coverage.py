"""`transfuse plan coverage`: what a plan leaves out of two databases."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from shared.plan.coverage_text import coverage_text
from transfuse.commands.plan_files import plan_argument, read
from transfuse.covering import coverage_here
from transfuse.exit_codes import ExitCode
from transfuse.operator import home_option, run_async
from transfuse.workspace import Workspace


@click.command("coverage")
@plan_argument
@home_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.option("--rare", is_flag=True, help="Show unknown codes met in fewer than 5 rows too; they may name a person.")
def coverage_command(plan_path: Path, home: Path, *, as_json: bool, rare: bool) -> int:
    """Say what PLAN leaves out: tables, legacy columns that go nowhere, target columns that nothing fills, codes.

    Reads both catalogues, and of the legacy database the values of each column that a code book is asked about; a code
    counts as met wherever a row of `from` has it, whether or not a CASE or `keep` takes that row.

    \b
    Examples:
      transfuse plan coverage plans/portal
      transfuse plan coverage plans/portal --json

    \b
    Exit codes: 0 complete · 1 with gaps · 2 the plan is refused or a database is not there
    """
    found = run_async(coverage_here(Workspace(home), read(plan_path), rare=rare))
    click.echo(
        msgspec.json.format(msgspec.json.encode(found)).decode() if as_json else coverage_text(found), nl=as_json
    )
    return ExitCode.OK if found.complete else ExitCode.WARNINGS
