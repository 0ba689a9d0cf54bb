"""A report on the screen: the sentence, the evidence, money, what was left out and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.gateway.documents.report import ProofState, ReportDocument
from shared.status.words import of_pass
from transfuse.screen.figures import duration, grouped
from transfuse.screen.money import money

STYLES = {ProofState.HOLDS: "green", ProofState.FAILED: "bold red", ProofState.NOT_CHECKED: "yellow"}


def report_view(report: ReportDocument) -> RenderableType:
    """What fits a screen; the HTML file and the JSON have all of it."""
    parts: list[RenderableType] = [
        Text(f"{report.migration}, run {report.run_id}: {report.state}", "bold"),
        Text(report.sentence),
        _table(
            "How we know",
            ("check", "result", "holds"),
            (
                (one.check, one.result, Text(one.state.value.replace("_", " "), STYLES[one.state]))
                for one in report.evidence
            ),
        ),
    ]
    if report.sums:
        parts += [Text("\nMoney", "bold"), money(report.sums)]
    if report.filters:
        rows = ((one.mapping, one.keep, ", ".join(one.parents), grouped(one.rows)) for one in report.filters)
        titles = ("mapping", "kept where", "with their parents", "rows")
        parts.append(_table("Left out by rules of the plan", titles, rows))
    if report.codebooks:
        rows = (
            (f"{one.mapping}.{one.column}", grouped(len(one.codes)), grouped(one.rare), grouped(one.unknown))
            for one in report.codebooks
        )
        titles = ("column", "codes met", "in few rows", "unknown")
        parts.append(_table("Code books", titles, rows))
    times = [one for one in report.times if one.seconds is not None]
    if times:
        rows = (
            (of_pass(one.mapping, one.pass_number), duration(one.seconds or 0), grouped(round(one.rows_per_second)), "")
            for one in times
        )
        parts.append(_table("Time by mapping", ("mapping", "took", "rows a second", ""), rows))
    return Group(*parts)


def _table(title: str, titles: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in titles:
        table.add_column(name, header_style="dim", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table
