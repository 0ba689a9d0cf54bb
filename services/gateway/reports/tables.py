"""Tables of a report: a heading, columns of words, columns of figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.gateway.reports.markup import Markup, element

DOES_NOT_APPLY = "–"  # noqa: RUF001 - a dash of the width of a figure


def section(
    title: str, columns: Sequence[str], rows: Sequence[Markup], last: Markup | None = None, *, first_number: int = -1
) -> Markup:
    """A heading and a table whose columns from `first_number` on are figures; nothing where there is no row."""
    if not rows:
        return Markup("")
    start = first_number % len(columns) if first_number < len(columns) else len(columns)
    heads = (
        element("th", column, scope="col", class_="number" if place >= start else "")
        for place, column in enumerate(columns)
    )
    parts = [element("thead", element("tr", *heads)), element("tbody", *rows)]
    if last is not None:
        parts.append(element("tfoot", last))
    table = element("div", element("table", *parts), class_="scroll", role="region", aria_label=title, tabindex="0")
    return element("section", element("h2", title), table)


def number(count: int | None, *, missing: str = "unknown") -> Markup:
    """A cell with a figure in full."""
    return element("td", missing if count is None else f"{count:,}", class_="number")


def moment(at: datetime | None) -> str:
    """A time as the report has it: to the second, in UTC."""
    return DOES_NOT_APPLY if at is None else at.astimezone(UTC).strftime("%d %b %Y, %H:%M:%S UTC")
