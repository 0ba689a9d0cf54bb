"""`transfuse quarantine`: refused rows, by reason and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, Unpack
from uuid import UUID

import click
from rich.table import Table

from shared.core.run_options import ReplayChoice
from shared.ledger.quarantine import Grouping
from transfuse.commands.row_options import Which, choice_of, row_options
from transfuse.controls import Controls, controls
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.quarantine_control import ListedGroup, ListedRow
from transfuse.remote.option import api_option

SHORTEST_WHY, LONGEST_WHY = 10, 500
COLUMNS_SHOWN = 8


class Deed(Which):
    """What is to be done with rows, as it was typed."""

    by: str
    listing: bool
    limit: int
    unmask: UUID | None
    edit: tuple[UUID, str] | None
    null: bool
    value: NotRequired[str | None]
    discard: bool
    everything: bool
    why: str | None


@click.command("quarantine")
@run_argument
@home_option
@api_option
@row_options
@click.option("--by", type=click.Choice([one.value for one in Grouping]), default="reason", show_default=True)
@click.option("--rows", "listing", is_flag=True, help="List rows of a reason, a column or a mapping, values masked.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many rows.")
@click.option("--unmask", type=click.UUID, metavar="REF", help="Show one row in clear; needs --why.")
@click.option(
    "--edit",
    type=(click.UUID, str),
    metavar="REF ALIAS.COLUMN",
    help="Replay the row with another value in the place of the source's, which is asked for, so that no list of "
    "commands holds it; needs --why.",
)
@click.option("--null", is_flag=True, help="With --edit: the value is NULL.")
@click.option("--discard", is_flag=True, help="Give the chosen rows up for good; needs --why.")
@click.option("--all", "everything", is_flag=True, help="With --discard: every row that waits.")
@click.option("--why", metavar="TEXT", help="The reason, for the audit; no patient is named in it.")
def quarantine_command(run_id: UUID | None, home: Path, api: str | None, **deed: Unpack[Deed]) -> None:
    """Show the refused rows of a run, by default of the youngest that read all rows, or decide about some.

    \b
    Examples:
      transfuse quarantine
      transfuse quarantine --rows --reason unknown_code
      transfuse quarantine --unmask 0f3b6c1e-… --why "The clinic asked for this order."
      transfuse quarantine --edit 0f3b6c1e-… p.born --why "The clinic corrected the date."
      transfuse quarantine --discard --reason orphan --why "The practice was closed in 2011."
    """
    if sum(map(bool, (deed["unmask"], deed["edit"], deed["discard"], deed["listing"]))) > 1:
        raise click.UsageError("one thing at a time: --rows, --unmask, --edit or --discard")
    if (deed["unmask"] or deed["edit"] or deed["discard"]) and not is_reason((deed["why"] or "").strip()):
        raise click.UsageError(
            f"say --why in one line of {SHORTEST_WHY} to {LONGEST_WHY} letters: the audit keeps it for ever"
        )
    choice = choice_of(deed)
    is_open = choice == ReplayChoice()
    if deed["discard"] and is_open is not deed["everything"]:
        raise click.UsageError("say which rows with --row, --reason, --column and --mapping, or --all")
    if deed["listing"] and (is_open or choice.rows):
        raise click.UsageError("say of which --reason, --column or --mapping rows are listed")
    if deed["edit"]:
        if "=" in deed["edit"][1]:
            raise click.UsageError("name the column alone: its value is asked for")
        asked = "" if deed["null"] else click.prompt("New value", default="", show_default=False, err=True)
        deed["value"] = None if deed["null"] else asked
    run_async(_quarantine(home, api, run_id, choice, deed))


def is_reason(text: str) -> bool:
    """Whether the audit takes a text as the reason for something, here as over the API."""
    return SHORTEST_WHY <= len(text) <= LONGEST_WHY and text.isprintable()


async def _quarantine(home: Path, api: str | None, run_id: UUID | None, choice: ReplayChoice, deed: Deed) -> None:
    async with controls(home, api) as control:
        run = await control.run_or_latest(run_id)
        why = (deed["why"] or "").strip()
        if deed["unmask"]:
            await _unmask(control, run, deed["unmask"], why)
        elif deed["edit"]:
            await _edit(control, run, deed["edit"], deed["value"], why)
        elif deed["discard"]:
            for mapping, count in (await control.quarantine.discard(run, choice, why)).items():
                console.print(f"given up: {count:,} of {mapping}")
        elif deed["listing"]:
            console.print(_rows(await control.quarantine.rows(run, choice, deed["limit"])))
        else:
            groups = await control.quarantine.groups(run, Grouping(deed["by"]), choice.mapping)
            console.print(_groups(groups) if groups else f"Run {run} refused no row.")


async def _unmask(control: Controls, run: UUID, ref: UUID, why: str) -> None:
    row = await control.quarantine.unmask(run, ref, why)
    console.print(f"{row.mapping}, key {row.legacy_key}")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in row.columns.items():
        table.add_row(name, "NULL" if value is None else value)
    console.print(table)


async def _edit(control: Controls, run: UUID, edit: tuple[UUID, str], value: str | None, why: str) -> None:
    ref, column = edit
    kept = await control.quarantine.edit(run, ref, column, value, why)
    former = "the former one is kept beside it" if kept else "the former one stands in the source"
    console.print(f"A replay reads another value of {column}; {former}.")
    console.print(f"Replay the row with: transfuse replay {run} --row {ref}")


def _groups(groups: Sequence[ListedGroup]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("mapping", "column", "reason", "waits for"):
        table.add_column(title)
    for title in ("rows", "waiting"):
        table.add_column(title, justify="right")
    for group in groups:
        figures = (f"{group.count:,}", f"{group.waiting:,}")
        table.add_row(group.mapping, group.column, group.reason, group.waits_for, *figures)
    return table


def _rows(rows: Sequence[ListedRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("ref", "mapping", "state", "reasons", "values"):
        table.add_column(title, no_wrap=title == "ref")
    for row in rows:
        shown = [f"{name}={value}" for name, value in list(row.columns.items())[:COLUMNS_SHOWN]]
        more = len(row.columns) - len(shown)
        values = ", ".join([*shown, *([f"and {more} more"] if more > 0 else [])])
        table.add_row(str(row.ref), row.mapping, row.state, ", ".join(row.reasons), values)
    return table
