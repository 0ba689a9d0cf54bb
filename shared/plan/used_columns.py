"""Which source columns a mapping uses: only those are ever selected."""

from __future__ import annotations

import re

import msgspec

from shared.plan.aliases import Aliases, unknown_column
from shared.plan.expressions import BadExpression, Expression, parse
from shared.plan.model import Mapping, Text
from shared.plan.names import columns_of
from shared.plan.packing import is_named, packed_columns, rest_call
from shared.plan.report import Report

SECRET = re.compile(r"passw|passwd|token|secret|hash|ssn", re.IGNORECASE)


class UsedColumns(msgspec.Struct, frozen=True, kw_only=True):
    """`named` are used by an expression, `rest` are packed by `rest()` only: alias and column, in order."""

    named: tuple[tuple[str, str], ...]
    rest: tuple[tuple[str, str], ...]

    @property
    def selected(self) -> tuple[tuple[str, str], ...]:
        """All of them."""
        return (*self.named, *self.rest)


def used_columns(mapping: Mapping, aliases: Aliases, report: Report) -> UsedColumns:
    """Columns that expressions use, and those that `rest()` packs; unknown and secret ones go to the report."""
    named: set[tuple[str, str]] = set()
    packing: tuple[Text, Expression] | None = None
    for text in mapping.expressions:
        try:
            expression = parse(text.value)
        except BadExpression:
            continue
        named |= columns_in(text, expression, aliases, report)
        if any(call.name.lower() == "rest" for call in expression.calls()):
            packing = (text, expression)
    rest = () if packing is None else rest_columns(mapping, *packing, aliases, report)
    return UsedColumns(
        named=tuple(pair for pair in every_column(aliases) if pair in named),
        rest=tuple(pair for pair in rest if pair not in named),
    )


def columns_in(text: Text, expression: Expression, aliases: Aliases, report: Report) -> set[tuple[str, str]]:
    """The source columns of one expression; bare names are columns of the target."""
    found: set[tuple[str, str]] = set()
    for column in columns_of(expression):
        if len(column.parts) != 2:
            continue
        pair = aliases.find(*column.parts)
        if pair is not None:
            found.add(pair)
        elif column.parts[0] in aliases.types or column.parts[0].lower() in aliases.types:
            unknown_column(text, column.offset, column.parts, aliases, report)
    return found


def every_column(aliases: Aliases) -> list[tuple[str, str]]:
    """Every column of every alias, in order."""
    return [(alias, column) for alias, columns in aliases.types.items() for column in columns]


def rest_columns(
    mapping: Mapping, text: Text, expression: Expression, aliases: Aliases, report: Report
) -> tuple[tuple[str, str], ...]:
    """What `rest()` packs. Names that are no column, and columns named like a secret, go to the report."""
    place = next(call for call in expression.calls() if call.name.lower() == "rest")
    call = rest_call(place)
    if call is None:
        return ()
    known = [name for alias, column in every_column(aliases) for name in (column, f"{alias}.{column}")]
    for argument, names in (("except", call.excepted), ("also", call.also)):
        for name in names:
            if name not in known:
                message = f"{argument} names {name!r}, which is no column of `from`"
                report.problem_in(text, place.offset, message, wrong=name, known=known)
    rest = packed_columns(mapping, aliases.types)
    for alias, column in rest:
        if SECRET.search(column) and not is_named((alias, column), call.also):
            message = f"rest() would copy {alias}.{column}, named like a secret: write rest(except := ['{column}'])"
            report.problem_in(text, place.offset, message)
    return rest
