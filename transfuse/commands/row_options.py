"""Options that say which refused rows are meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar
from uuid import UUID

import click

from shared.core.run_options import ReplayChoice

Command = TypeVar("Command", bound=Callable[..., Any])


class Which(TypedDict):
    """Which rows are meant, as it was typed."""

    refs: tuple[UUID, ...]
    code: str | None
    column: str | None
    mapping: str | None


def row_options(command: Command) -> Command:
    """`--row`, `--reason`, `--column` and `--mapping`."""
    options = (
        click.option("--row", "refs", multiple=True, type=click.UUID, metavar="REF", help="This row; repeatable."),
        click.option("--reason", "code", metavar="CODE", help="Rows refused for this reason."),
        click.option("--column", help="Rows refused for this column, constraint or rule."),
        click.option("--mapping", help="Rows of this mapping."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def choice_of(which: Which) -> ReplayChoice:
    """The choice. Raises UsageError for rows that are named and described as well."""
    described = any(which[name] is not None for name in ("code", "column", "mapping"))
    if which["refs"] and described:
        raise click.UsageError("name rows with --row, or describe them with --reason, --column and --mapping")
    return ReplayChoice(
        rows=which["refs"] or None, code=which["code"], column=which["column"], mapping=which["mapping"]
    )
