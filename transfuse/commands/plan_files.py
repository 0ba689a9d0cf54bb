"""The plan that a command names: a folder, a file, or a version that the ledger keeps."""

from __future__ import annotations

import re
from pathlib import Path

import click

from shared.core.errors import Refused
from shared.ledger.plans import Plans
from shared.plan.checks import check_plan
from shared.plan.include import MAIN
from shared.plan.model import Plan
from shared.plan.reader import plan_of_files, read_plan
from transfuse.operator import operator, run_async

VERSION = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,62})@([0-9]{1,9}|newest)")

plan_argument = click.argument("plan_path", metavar="PLAN", type=click.Path(exists=True, path_type=Path))


def checked(path: Path) -> Plan:
    """A plan that is sound as far as can be told without a database. Raises PlanRefused, Refused (`no_plan`)."""
    plan = read(path)
    check_plan(plan)
    return plan


def read(path: Path) -> Plan:
    """A plan as its author wrote it, its form alone checked. Raises PlanRefused, Refused (`no_plan`)."""
    if path.is_dir() and not (path / MAIN).is_file():
        raise Refused(f"The folder {path} has no {MAIN}.", remedy="Name the plan's folder or its file.", code="no_plan")
    return read_plan(path)


def named(words: str, home: Path) -> Plan:
    """The plan of a path, or of `name@3` (`name@newest`) in the workspace's ledger, its form alone checked.

    Raises PlanRefused, Refused (`no_plan`, `unknown_plan`).
    """
    path, version = Path(words), VERSION.fullmatch(words)
    if path.exists():
        return read(path)
    if version is None:
        remedy = "Name a folder, a file, or a version such as clinic@3."
        raise Refused(f"There is no {words}.", remedy=remedy, code="no_plan")
    return run_async(_kept(version[1], None if version[2] == "newest" else int(version[2]), home))


async def _kept(name: str, number: int | None, home: Path) -> Plan:
    async with operator(home) as opened:
        stored = await Plans(opened.pool).read(name, number)
    return plan_of_files(stored.files)
