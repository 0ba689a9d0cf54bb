"""Which source columns a mapping uses: only those are ever selected."""

from __future__ import annotations

import re

import msgspec

from shared.plan.aliases import Aliases, plain_column, unknown_column
from shared.plan.checks.calls import excepted_names
from shared.plan.expressions import BadExpression, Expression, parse
from shared.plan.model import Mapping, Text
from shared.plan.names import columns_of
from shared.plan.report import Report

SECRET = re.compile(r"passw|passwd|token|secret|hash|ssn", re.IGNORECASE)


class UsedColumns(msgspec.Struct, frozen=True, kw_only=True):
    """`named` are used by an expression, `rest` is packed by `rest()` only: alias and column, in order."""

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
    rest = () if packing is None else rest_columns(mapping, *packing, named, aliases, report)
    return UsedColumns(named=tuple(pair for pair in every_column(aliases) if pair in named), rest=rest)


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
    mapping: Mapping, text: Text, expression: Expression, named: set[tuple[str, str]], aliases: Aliases, report: Report
) -> tuple[tuple[str, str], ...]:
    """What `rest()` packs: every column that nothing else uses, without the excepted ones."""
    call = next(call for call in expression.calls() if call.name.lower() == "rest")
    excepted = excepted_names(call) or ()
    everything = every_column(aliases)
    known = [name for alias, column in everything for name in (column, f"{alias}.{column}")]
    for name in excepted:
        if name not in known:
            report.problem_in(
                text, call.offset, f"except names {name!r}, which is no column of `from`", wrong=name, known=known
            )
    used = named | key_columns(mapping, aliases)
    rest = tuple(
        (alias, column)
        for alias, column in everything
        if (alias, column) not in used and column not in excepted and f"{alias}.{column}" not in excepted
    )
    for alias, column in rest:
        if SECRET.search(column):
            message = f"rest() would copy {alias}.{column}, named like a secret: write rest(except := ['{column}'])"
            report.problem_in(text, call.offset, message)
    return rest


def key_columns(mapping: Mapping, aliases: Aliases) -> set[tuple[str, str]]:
    """Columns that are parts of the key as they are."""
    written = [plain_column(part) for part in mapping.key]
    found = (aliases.find(*pair) for pair in written if pair is not None)
    return {pair for pair in found if pair is not None}
