"""`transfuse runs`: the history."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from transfuse.operator import console, home_option, run_async
from transfuse.remote.option import api_option, run_control
from transfuse.run_control import ListedRun
from transfuse.screen.progress_view import STATE_STYLES


@click.command("runs")
@home_option
@api_option
@click.option("--migration", help="Only the runs of this migration.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, youngest first.")
def runs_command(home: Path, api: str | None, migration: str | None, limit: int) -> None:
    """List runs, youngest first.

    \b
    Example:
      transfuse runs --migration portal --limit 5
    """
    found = run_async(_list(home, api, migration, limit))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "migration", "kind", "state", "plan", "started", "by", "reason"):
        table.add_column(title, no_wrap=title in {"run", "started"})
    for run in found:
        table.add_row(
            str(run.id), run.migration, run.kind, _state(run),
            f"{run.plan} v{run.plan_version}", f"{run.at:%Y-%m-%d %H:%M:%S}", run.actor, run.reason,
        )  # fmt: skip
    console.print(table if found else "There is no run yet. Start one with: transfuse run PLAN")


def _state(run: ListedRun) -> Text:
    """How it ended, and whether what it wrote was taken back."""
    style = STATE_STYLES.get(run.state, "cyan")
    return Text(run.state, style) if run.undone_at is None else Text(f"{run.state}, undone", "dim")


async def _list(home: Path, api: str | None, migration: str | None, limit: int) -> tuple[ListedRun, ...]:
    async with run_control(home, api) as runs:
        return await runs.list(migration, limit)
