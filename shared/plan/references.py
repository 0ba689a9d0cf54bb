"""References between mappings: which columns hold them, and the order that follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Mapping as ReadOnly
from functools import lru_cache

from shared.plan.expressions import BadExpression, Call, Node, call_of, parse
from shared.plan.model import Mapping
from shared.plan.nodes import string_constant


def root_calls(tree: Node, name: str = "ref") -> Iterator[Call]:
    """Calls of a function at the root of an expression, or below it under CASE and COALESCE only."""
    if tree["class"] == "FUNCTION" and tree["function_name"].lower() == name:
        yield call_of(tree)
    elif tree["class"] == "CASE":
        for check in tree["case_checks"]:
            yield from root_calls(check["then_expr"], name)
        yield from root_calls(tree["else_expr"], name)
    elif tree["class"] == "OPERATOR" and tree["type"] == "OPERATOR_COALESCE":
        for child in tree["children"]:
            yield from root_calls(child, name)


def key_column(mapping: Mapping) -> str:
    """The column that is the row's own key."""
    return next(
        column.column for column in mapping.columns if any(root_calls(parse(column.expression.value).tree, "key"))
    )


def holding(mapping: Mapping, function: str) -> list[str]:
    """The columns of a mapping that call key() at their root, or rest() anywhere."""
    found = []
    for column in mapping.columns:
        try:
            expression = parse(column.expression.value)
        except BadExpression:
            continue
        called = (
            any(root_calls(expression.tree, function))
            if function == "key"
            else any(call.name.lower() == function for call in expression.calls())
        )
        if called:
            found.append(column.column)
    return found


def referred(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    """By target column the mappings it refers to, in order of appearance; what is followed is among the columns.

    Columns that do not parse are left out.
    """
    found = {column.column: referred_mappings(column.expression.value) for column in mapping.computed}
    return {column: names for column, names in found.items() if names}


@lru_cache(maxsize=4096)
def referred_mappings(text: str) -> tuple[str, ...]:
    """The mappings that an expression refers to at its root, in order of appearance; none if it does not parse."""
    try:
        tree = parse(text).tree
    except BadExpression:
        return ()
    names = [string_constant(call.arguments[0]) for call in root_calls(tree) if call.arguments]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def dependencies(
    mappings: tuple[Mapping, ...], deferred: Collection[tuple[str, str]] = ()
) -> dict[str, tuple[str, ...]]:
    """By mapping the mappings it refers to, itself left out, unknown ones left out, `deferred` columns left out."""
    known = {mapping.name for mapping in mappings}
    return {
        mapping.name: tuple(
            dict.fromkeys(
                name
                for column, names in referred(mapping).items()
                for name in names
                if name in known and name != mapping.name and (mapping.name, column) not in deferred
            )
        )
        for mapping in mappings
    }


def waves(depends_on: ReadOnly[str, tuple[str, ...]]) -> dict[str, int]:
    """The wave of each mapping: 0 refers to none. Mappings of a cycle, or that refer to one, are left out."""
    placed: dict[str, int] = {}
    open_names = list(depends_on)
    while open_names:
        ready = [name for name in open_names if all(parent in placed for parent in depends_on[name])]
        if not ready:
            break
        for name in ready:
            placed[name] = max((placed[parent] + 1 for parent in depends_on[name]), default=0)
        open_names = [name for name in open_names if name not in placed]
    return placed


def cycle(depends_on: ReadOnly[str, tuple[str, ...]], placed: ReadOnly[str, int]) -> tuple[str, ...]:
    """One cycle among the mappings that have no wave, empty if there is none."""
    left = [name for name in depends_on if name not in placed]
    if not left:
        return ()
    path: list[str] = []
    name = left[0]
    while name not in path:
        path.append(name)
        name = next(parent for parent in depends_on[name] if parent not in placed)
    return (*path[path.index(name) :], name)
