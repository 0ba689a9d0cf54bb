"""The share of a mapping that changes rows which are there: references that had to wait, or columns filled in late."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from shared.plan.aliases import Aliases
from shared.plan.expressions import BadExpression, parse
from shared.plan.model import BadValue, Mapping, Rule
from shared.plan.names import columns_of
from shared.plan.references import key_column
from shared.plan.report import Report
from shared.plan.used_columns import UsedColumns, columns_in


def second_share(mapping: Mapping, columns: Collection[str]) -> Mapping:
    """The mapping with its key and the columns that had to wait; rules and `keep` had their say in the first pass."""
    return _with(mapping, {key_column(mapping), *columns}, ())


def late_share(mapping: Mapping, columns: Collection[str]) -> Mapping:
    """The mapping with its key, the columns that are filled in late, and what the rules about them look at.

    A value that does not fit may be `null_it`, but is not kept aside: the column with `rest()` is not written again.
    """
    rules = tuple(rule for rule in mapping.rules if _names(rule, mapping) & set(columns))
    looked_at = {name for rule in rules for name in _names(rule, mapping)}
    nulled = {name: fate for name, fate in mapping.bad_value.items() if fate is BadValue.NULL_IT}
    return msgspec.structs.replace(_with(mapping, {key_column(mapping), *columns, *looked_at}, rules), bad_value=nulled)


def used_by_share(share: Mapping, used: UsedColumns, aliases: Aliases, report: Report) -> UsedColumns:
    """The source columns that a share of a mapping reads, of those `used` by the whole.

    All of them where it packs the rest: the names in it are such that they differ from every other column's.
    """
    named: set[tuple[str, str]] = set()
    for text in share.expressions:
        try:
            expression = parse(text.value)
        except BadExpression:
            continue
        named |= columns_in(text, expression, aliases, report)
        if any(call.name.lower() == "rest" for call in expression.calls()):
            return used
    return UsedColumns(named=tuple(pair for pair in used.named if pair in named), rest=())


def _with(mapping: Mapping, columns: set[str], rules: tuple[Rule, ...]) -> Mapping:
    return msgspec.structs.replace(
        mapping,
        columns=tuple(column for column in mapping.columns if column.column in columns),
        follows=(),
        keep=None,
        rules=rules,
        required=tuple(text for text in mapping.required if text.value in columns),
    )


def _names(rule: Rule, mapping: Mapping) -> set[str]:
    """The computed columns that a rule names."""
    known = {column.column.lower(): column.column for column in mapping.columns}
    try:
        paths = columns_of(parse(rule.check.value))
    except BadExpression:
        return set()
    return {known[path.parts[0].lower()] for path in paths if len(path.parts) == 1 and path.parts[0].lower() in known}
