"""`transfuse plan diff`: what is different between two plans, or two versions of one."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from shared.plan.diff import diff_plans
from shared.plan.diff_text import diff_text
from transfuse.commands.plan_files import named
from transfuse.exit_codes import ExitCode
from transfuse.operator import home_option


@click.command("diff")
@click.argument("old_plan", metavar="OLD")
@click.argument("new_plan", metavar="NEW")
@home_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def diff_command(old_plan: str, new_plan: str, home: Path, *, as_json: bool) -> int:
    """Say what NEW does differently from OLD: each a folder, a file, or a version in the ledger such as clinic@3.

    Comments and layout make no difference. A change that gives rows another key is marked with `!`: rows that were
    loaded before would be loaded a second time.

    \b
    Examples:
      transfuse plan diff portal@3 plans/portal
      transfuse plan diff portal@3 portal@newest --json

    \b
    Exit codes: 0 both do the same · 1 they differ · 2 a plan cannot be read
    """
    diff = diff_plans(named(old_plan, home), named(new_plan, home))
    click.echo(msgspec.json.format(msgspec.json.encode(diff)).decode() if as_json else diff_text(diff), nl=as_json)
    return ExitCode.OK if diff.same else ExitCode.WARNINGS
