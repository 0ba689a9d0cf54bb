"""What a run came to: the balance of every mapping, what was refused and why, what was warned about."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from transfuse.exit_codes import ExitCode
from transfuse.screen.figures import duration, grouped

OUTCOMES = ("loaded", "updated", "unchanged", "merged", "filtered", "quarantined")


def summary(snapshot: RunSnapshot) -> RenderableType:
    """Balance, quarantine, warnings and the verdict."""
    parts: list[RenderableType] = [_balance(snapshot)] if snapshot.mappings else []
    if snapshot.quarantine:
        parts += [Text("\nIn quarantine, by reason", "bold"), _reasons(snapshot.quarantine, "where")]
    if snapshot.warnings:
        parts += [Text("\nWarnings", "bold"), _reasons(snapshot.warnings, "")]
    return Group(*parts, Text(), _verdict(snapshot))


def exit_code(snapshot: RunSnapshot) -> ExitCode:
    """What a script should know of the run."""
    if snapshot.state is not RunState.COMPLETED or not all(balance.balances for balance in snapshot.balances):
        return ExitCode.INTERRUPTED if snapshot.state is RunState.PAUSED else ExitCode.FAILED
    return ExitCode.WARNINGS if _to_look_at(snapshot) else ExitCode.OK


def _to_look_at(snapshot: RunSnapshot) -> bool:
    return bool(snapshot.quarantine or snapshot.warnings or snapshot.snapshot_count > 1)


def _balance(snapshot: RunSnapshot) -> Table:
    table = Table(
        title="Balance", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    table.add_column("mapping")
    for title in ("driving", "excluded", "read", *OUTCOMES):
        table.add_column(title, justify="right")
    table.add_column("balances")
    for balance in snapshot.balances:
        counts = balance.counts
        table.add_row(
            Text(balance.mapping),
            *(grouped(count) for count in (balance.driving_rows, balance.excluded, counts.read)),
            *(grouped(getattr(counts, outcome)) for outcome in OUTCOMES),
            Text("yes", "green") if balance.balances else Text("NO", "bold red"),
        )
    return table


def _reasons(rows: tuple[object, ...], stage: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("mapping", "reason", "column or rule", *([stage] if stage else [])):
        table.add_column(title)
    table.add_column("rows", justify="right")
    for row in rows:
        where = [str(getattr(row, "stage", ""))] if stage else []
        names = [getattr(row, name) for name in ("mapping", "code", "column")]
        table.add_row(*map(Text, (*names, *where)), grouped(getattr(row, "row_count")))  # noqa: B009 - two kinds of rows
    return table


def _verdict(snapshot: RunSnapshot) -> Text:
    took = ""
    if snapshot.started_at and snapshot.finished_at:
        took = f" in {duration((snapshot.finished_at - snapshot.started_at).total_seconds())}"
    match exit_code(snapshot):
        case ExitCode.OK:
            return Text(f"✓ balanced, nothing to look at: {grouped(snapshot.counts.read)} rows{took}", "bold green")
        case ExitCode.WARNINGS:
            text = f"✓ balanced, with something to look at: {grouped(snapshot.counts.read)} rows{took}"
            extra = (
                "\n  more than one snapshot was read: owes a differential pass" if snapshot.snapshot_count > 1 else ""
            )
            return Text(text + extra, "bold yellow")
        case _:
            unbalanced = snapshot.state is RunState.COMPLETED
            reason = snapshot.message or ("it does not balance" if unbalanced else "the run did not complete")
            return Text(f"✗ {snapshot.state}: {reason}\n  -> {snapshot.remedy or 'see `transfuse status`'}", "bold red")
