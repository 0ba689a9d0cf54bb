"""`transfuse plan`: begin a plan, check it, see what it will do, what it leaves out and what a change of it means."""

from __future__ import annotations

import click

from transfuse.commands.plan_check import check_command
from transfuse.commands.plan_coverage import coverage_command
from transfuse.commands.plan_diff import diff_command
from transfuse.commands.plan_explain import explain_command
from transfuse.commands.plan_new import new_command


@click.group("plan")
def plan_command() -> None:
    """Begin a plan, check it, and see what it will do.

    \b
    Examples:
      transfuse plan new plans/clinic
      transfuse plan check plans/portal
      transfuse plan explain plans/portal --mapping orders
      transfuse plan coverage plans/portal
      transfuse plan diff portal@3 plans/portal
    """


for command in (new_command, check_command, explain_command, coverage_command, diff_command):
    plan_command.add_command(command)
