"""`transfuse cleanup`: remove the bulk details of older runs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import click
import msgspec
from rich.table import Table

from shared.ledger.retention import Details, Retention, RunDetails
from transfuse.operator import actor, console, home_option, operator, run_async


@click.command("cleanup")
@home_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def cleanup_command(home: Path, *, dry_run: bool) -> None:
    """Remove the bulk details of older runs; the gateway does the same once a day.

    The last 10 completed and 50 failed runs of a migration keep everything. Of older ones there stay the balance, the
    audit, refused rows that nobody has resolved, and what an undo of the latest run needs.

    \b
    Examples:
      transfuse cleanup --dry-run
      transfuse cleanup
    """
    found = run_async(_cleanup(home, dry_run=dry_run))
    console.print(_table(found) if found else "There is nothing to remove.")
    if found and dry_run:
        console.print("Nothing was removed. Do it with: transfuse cleanup")


async def _cleanup(home: Path, *, dry_run: bool) -> tuple[RunDetails, ...]:
    async with operator(home) as ledger:
        retention = Retention(ledger.pool)
        if dry_run:
            return await retention.outlook()
        return await retention.clean(actor=actor(), transfuse_version=version("transfuse"))


def _table(found: Iterable[RunDetails]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("migration")
    for title in ("runs", *Details.__struct_fields__):
        table.add_column(title.replace("_", " "), justify="right")
    for _, runs in groupby(found, key=lambda item: item.migration_id):
        items = list(runs)
        counts = msgspec.structs.astuple(sum((item.details for item in items), Details()))
        table.add_row(items[0].migration, *(f"{count:,}" for count in (len(items), *counts)))
    return table
