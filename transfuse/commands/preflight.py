"""`transfuse preflight`: what must be well before a run."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from transfuse.commands.plan_files import checked, plan_argument
from transfuse.compiling import preflight_checks
from transfuse.exit_codes import ExitCode
from transfuse.operator import console, home_option, run_async
from transfuse.workspace import Workspace

MARKS = {"passed": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


@click.command("preflight")
@plan_argument
@home_option
def preflight_command(plan_path: Path, home: Path) -> int:
    """Check both databases for PLAN: versions, rights, snapshot, tables; each failure with what mends it.

    \b
    Example:
      transfuse preflight plans/portal
    """
    checks = run_async(preflight_checks(Workspace(home), checked(plan_path)))
    for check in checks:
        console.print(Text.assemble(MARKS[check.state], f" {check.name}: {check.message}"))
        if check.fix:
            console.print(f"    -> {check.fix}")
    if any(check.state == "failed" for check in checks):
        return ExitCode.FAILED
    return ExitCode.WARNINGS if any(check.state == "warning" for check in checks) else ExitCode.OK
