"""The sums that a plan wants proven: one line where they agree, the figures where they do not."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.core.sums import SumState
from shared.status.document import SumStatus

FIGURES = ("source", "loaded", "refused", "filtered", "aside", "target")


def money(sums: Sequence[SumStatus]) -> RenderableType:
    """What the comparison of sums came to."""
    agreeing = sum(one.state is SumState.AGREES for one in sums)
    parts: list[RenderableType] = []
    if agreeing:
        columns = f"{agreeing} column agrees" if agreeing == 1 else f"{agreeing} columns agree"
        parts.append(Text(f"{columns} to the cent", "green"))
    differing = [one for one in sums if one.state is SumState.DIFFERS]
    if differing:
        parts.append(_figures(differing))
    parts += [
        Text(f"{one.mapping}.{one.column} is not comparable: {one.reason}", "yellow")
        for one in sums
        if one.state is SumState.NOT_COMPARABLE
    ]
    return Group(*parts)


def _figures(sums: Sequence[SumStatus]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("differs")
    for title in FIGURES:
        table.add_column(title, justify="right")
    for one in sums:
        unknown = "too few rows" if one.withheld else "-"
        figures = [getattr(one, name) for name in FIGURES]
        table.add_row(
            Text(f"{one.mapping}.{one.column}", "bold red"), *(unknown if text is None else text for text in figures)
        )
    return table
