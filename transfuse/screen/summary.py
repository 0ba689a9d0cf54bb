"""What a run came to: the balance of every mapping, what was refused and why, what was warned about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.core.counts import Counts
from shared.core.passes import COMPARISON, SECOND_COMPARISON
from shared.core.states import RunKind, RunState
from shared.status.document import BroughtInStatus, MappingAccount, ResolvedStatus, RunStatus
from shared.status.words import BROUGHT_WORDS, of_pass
from transfuse.exit_codes import ExitCode
from transfuse.screen.figures import duration, grouped
from transfuse.screen.money import money

SEE_STATUS = "See `transfuse status`."
OUTCOMES = ("loaded", "updated", "unchanged", "merged", "filtered", "quarantined")
RARE = ("deleted", "different")
"""Outcomes that few kinds of runs have: shown where a row has them."""
COMPARED = frozenset({COMPARISON, SECOND_COMPARISON})
"""Passes that move nothing: a line for all of them, a table of those alone that found something."""


def summary(status: RunStatus) -> RenderableType:
    """Balance, quarantine, warnings and the verdict."""
    compared = [account for account in _accounts(status) if account.pass_number in COMPARED]
    moved = [account for account in _accounts(status) if account.pass_number not in COMPARED]
    parts: list[RenderableType] = [_balance("Balance", moved)] if status.mappings else []
    if compared:
        parts += [Text("\nHeld against the source again", "bold"), *_compared(compared)]
    if status.quarantine:
        parts += [Text("\nIn quarantine, by reason", "bold"), _reasons(status.quarantine, "where")]
    if any(map(_decided, status.resolved)):
        parts += [Text("\nWhat became of them", "bold"), _resolved(status.resolved)]
    if status.warnings:
        parts += [Text("\nWarnings", "bold"), _reasons(status.warnings, "")]
    if status.notices:
        parts += [Text("\nAbout the run as a whole", "bold"), _notices(status)]
    if status.brought_in:
        parts += [Text("\nNot from the source", "bold"), _brought_in(status.brought_in)]
    if status.sums:
        parts += [Text("\nMoney", "bold"), money(status.sums)]
    return Group(*parts, Text(), _verdict(status))


def exit_code(status: RunStatus) -> ExitCode:
    """What a script should know of the run."""
    if status.phase is not RunState.COMPLETED or not _balances(status):
        return ExitCode.INTERRUPTED if status.phase is RunState.PAUSED else ExitCode.FAILED
    if status.kind is RunKind.VERIFY and status.verdict.figures.get("different"):
        return ExitCode.FAILED
    return ExitCode.WARNINGS if _to_look_at(status) else ExitCode.OK


def _to_look_at(status: RunStatus) -> bool:
    has_changed = status.kind is RunKind.VERIFY and bool(status.verdict.figures.get("changed"))
    return bool(status.quarantine or status.warnings or status.snapshot_count > 1 or has_changed)


def _balances(status: RunStatus) -> bool:
    return all(account.balanced for account in _accounts(status))


def _accounts(status: RunStatus) -> tuple[MappingAccount, ...]:
    return () if status.balance is None else status.balance.mappings


def _compared(accounts: Sequence[MappingAccount]) -> Iterator[RenderableType]:
    """What the run's own comparison came to."""
    counts = sum((account.counts for account in accounts), Counts())
    mappings = len({account.mapping for account in accounts})
    if all(account.balanced for account in accounts) and not counts.different:
        of = "one mapping" if mappings == 1 else f"{mappings} mappings"
        yield Text(f"{grouped(counts.read)} rows of {of}: all that was written is as it should be")
        return
    yield _balance("", [one for one in accounts if one.counts.different or not one.balanced])


def _balance(title: str, accounts: Sequence[MappingAccount]) -> Table:
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    outcomes = (*OUTCOMES, *(name for name in RARE if any(getattr(one.counts, name) for one in accounts)))
    table.add_column("mapping")
    for name in ("driving", "excluded", "read", *outcomes):
        table.add_column(name, justify="right")
    table.add_column("balances")
    for account in accounts:
        counts = account.counts
        table.add_row(
            Text(of_pass(account.mapping, account.pass_number)),
            *(grouped(count) for count in (account.driving, account.excluded, counts.read)),
            *(grouped(getattr(counts, outcome)) for outcome in outcomes),
            Text("yes", "green") if account.balanced else Text("NO", "bold red"),
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
        table.add_row(*map(Text, (*names, *where)), grouped(getattr(row, "rows")))  # noqa: B009 - two kinds of rows
    return table


def _decided(row: ResolvedStatus) -> int:
    return row.replayed + row.filtered + row.discarded + row.replaced


def _resolved(rows: tuple[ResolvedStatus, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("mapping")
    titles = ("waiting", "replayed", "filtered", "discarded", "replaced", "loaded_now")
    for title in titles:
        table.add_column({"replaced": "refused again", "loaded_now": "loaded now"}.get(title, title), justify="right")
    for row in rows:
        figures = (grouped(getattr(row, title)) for title in titles)
        table.add_row(Text(of_pass(row.mapping, row.pass_number)), *figures)
    return table


def _notices(status: RunStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("notice", "about"):
        table.add_column(title)
    for notice in status.notices:
        table.add_row(Text(notice.code), Text(notice.table or notice.message))
    return table


def _brought_in(rows: tuple[BroughtInStatus, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("mapping", "column", "where the value comes from"):
        table.add_column(title)
    table.add_column("rows", justify="right")
    for row in rows:
        table.add_row(*map(Text, (row.mapping, row.column, BROUGHT_WORDS[row.kind])), grouped(row.rows))
    return table


def _verdict(status: RunStatus) -> Text:
    """One line for the eye, then the sentences that API and dashboard say too."""
    took = ""
    if status.started_at and status.completed_at:
        took = f" in {duration((status.completed_at - status.started_at).total_seconds())}"
    verdict = status.verdict
    balanced = f"{grouped(status.counts.read)} rows{took}\n  {verdict.headline} {verdict.detail}"
    match exit_code(status):
        case ExitCode.OK:
            return Text(f"✓ balanced, nothing to look at: {balanced}", "bold green")
        case ExitCode.WARNINGS:
            return Text(f"✓ balanced, with something to look at: {balanced}", "bold yellow")
        case _:
            return Text(f"✗ {status.phase}: {verdict.headline}\n  -> {verdict.detail or SEE_STATUS}", "bold red")
