"""What `rest()` packs: columns that no target column is computed from, less the excepted, and those named `also`."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly

import msgspec

from shared.plan.aliases import find_column, plain_column
from shared.plan.expressions import BadExpression, Call, Node, parse
from shared.plan.model import Mapping
from shared.plan.names import columns_of
from shared.plan.nodes import string_constant

EXCEPT = "exempt"
"""What the parser calls the argument `except`, a reserved word of its own."""
ALSO = "also"

Pair = tuple[str, str]
"""Alias and column."""


class RestCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of `rest()`: the names that are left out, and those that are packed although an expression uses them.

    A name is `column`, of whichever alias, or `alias.column`.
    """

    excepted: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def rest_call(call: Call) -> RestCall | None:
    """What a call of `rest()` says; None if it is not called as it should be."""
    given = dict(zip(call.argument_names, call.arguments, strict=True))
    if len(given) < len(call.arguments) or not given.keys() <= {EXCEPT, ALSO}:
        return None
    names = {argument: listed_names(node) for argument, node in given.items()}
    excepted, also = names.get(EXCEPT, ()), names.get(ALSO, ())
    return None if excepted is None or also is None else RestCall(excepted=excepted, also=also)


def rest_calls(mapping: Mapping) -> Iterable[RestCall]:
    """The calls of `rest()` in a mapping's columns; a checked mapping has one or none."""
    for column in mapping.columns:
        try:
            calls = parse(column.expression.value).calls()
        except BadExpression:
            continue
        found = (rest_call(call) for call in calls if call.name.lower() == "rest")
        yield from (call for call in found if call is not None)


def listed_names(node: Node) -> tuple[str, ...] | None:
    """The texts of a list, or a single text; None for anything else."""
    single = string_constant(node)
    if single is not None:
        return (single,)
    if node.get("class") != "FUNCTION" or node.get("function_name") != "list_value":
        return None
    names = [string_constant(argument["expression"]) for argument in node["arguments"]]
    return tuple(name for name in names if name is not None) if None not in names else None


def packed_columns(mapping: Mapping, aliases: ReadOnly[str, ReadOnly[str, object]]) -> tuple[Pair, ...]:
    """The columns that a mapping packs, of all that its aliases have, in their order.

    A column that only `keep`, rules or what is followed name is packed too: nothing else in the target has its value.
    """
    call = next(iter(rest_calls(mapping)), None)
    if call is None:
        return ()
    used = used_by_columns(mapping, aliases) | key_columns(mapping, aliases)
    return tuple(
        pair
        for alias, columns in aliases.items()
        for column in columns
        if is_named(pair := (alias, column), call.also) or (pair not in used and not is_named(pair, call.excepted))
    )


def is_named(pair: Pair, names: tuple[str, ...]) -> bool:
    """Whether `column` or `alias.column` is among some names."""
    return pair[1] in names or ".".join(pair) in names


def used_by_columns(mapping: Mapping, aliases: ReadOnly[str, ReadOnly[str, object]]) -> set[Pair]:
    """The source columns that target columns are computed from."""
    found: set[Pair | None] = set()
    for column in mapping.columns:
        try:
            paths = columns_of(parse(column.expression.value))
        except BadExpression:
            continue
        found |= {find_column(aliases, *path.parts) for path in paths if len(path.parts) == 2}
    return {pair for pair in found if pair is not None}


def key_columns(mapping: Mapping, aliases: ReadOnly[str, ReadOnly[str, object]]) -> set[Pair]:
    """Columns that are parts of the key as they are."""
    written = [plain_column(part) for part in mapping.key]
    found = (find_column(aliases, *pair) for pair in written if pair is not None)
    return {pair for pair in found if pair is not None}
