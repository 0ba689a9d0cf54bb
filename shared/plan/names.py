"""The columns that an expression reads, its lambdas' own parameters left out."""

from __future__ import annotations

from collections.abc import Iterator

from shared.plan.allow import CLOCK
from shared.plan.expressions import ColumnUse, Expression, Node

WITH_LAMBDA = frozenset({
    "apply", "array_apply", "array_filter", "array_reduce", "array_transform", "filter", "list_apply", "list_filter",
    "list_reduce", "list_transform", "reduce",
})  # fmt: skip


class ColumnPath(ColumnUse, frozen=True, kw_only=True):
    """A column as written, with all parts of its name."""

    parts: tuple[str, ...]


def columns_of(expression: Expression) -> tuple[ColumnPath, ...]:
    """Columns read, in order of appearance, with repeats; the clock (`current_date` …) is none."""
    return tuple(free_columns(expression.tree, frozenset(), in_list_function=False))


def free_columns(node: object, bound: frozenset[str], *, in_list_function: bool) -> Iterator[ColumnPath]:
    """Column references below a node that no lambda binds."""
    if isinstance(node, list):
        for item in node:
            yield from free_columns(item, bound, in_list_function=in_list_function)
    if not isinstance(node, dict):
        return
    if node.get("class") == "COLUMN_REF":
        parts = tuple(node["column_names"])
        if not (len(parts) == 1 and (parts[0] in bound or parts[0].lower() in CLOCK)):
            alias = parts[0] if len(parts) > 1 else ""
            yield ColumnPath(alias=alias, column=parts[-1], offset=node["query_location"], parts=parts)
        return
    if node.get("class") == "LAMBDA" and binds(node, in_list_function=in_list_function):
        names = frozenset(parameters(node["lhs"]))
        yield from free_columns(node["expr"], bound | names, in_list_function=False)
        return
    inside = in_list_function if "class" not in node else is_list_function(node)
    for value in node.values():
        yield from free_columns(value, bound, in_list_function=inside)


def is_list_function(node: Node) -> bool:
    """Whether a node is a call of a function that takes a lambda."""
    return node.get("class") == "FUNCTION" and str(node.get("function_name")).lower() in WITH_LAMBDA


def binds(node: Node, *, in_list_function: bool) -> bool:
    """Whether a LAMBDA node binds names; `a -> 'b'` elsewhere is JSON's arrow."""
    return node.get("syntax_type") != "SINGLE_ARROW" or in_list_function


def parameters(node: object) -> Iterator[str]:
    """The names that the left side of a lambda binds."""
    if isinstance(node, list):
        for item in node:
            yield from parameters(item)
    elif isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield from node["column_names"]
        else:
            for value in node.values():
                yield from parameters(value)
