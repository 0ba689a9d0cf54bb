"""Expressions: exactly one each, pure, over names that exist, with functions that may be called."""

from __future__ import annotations

import re

import msgspec

from shared.plan.allow import CLOCK, duckdb_functions, duckdb_kinds
from shared.plan.checks.calls import Calls
from shared.plan.checks.hints import OTHER_WORDS, hint_of, name_hint
from shared.plan.expressions import BadExpression, Call, Expression, Node, call_of, parse
from shared.plan.functions import FUNCTIONS
from shared.plan.model import Text
from shared.plan.names import columns_of
from shared.plan.nodes import same_tree
from shared.plan.questions import is_question
from shared.plan.report import Report

PURE = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "OPERATOR", "TYPE",
})  # fmt: skip
REFUSED = {
    "SUBQUERY": "a subquery (joins belong in `from`)",
    "WINDOW": "a window function (windows belong in `from`)",
    "PARAMETER": "a parameter",
    "STAR": "`*`",
    "POSITIONAL_REFERENCE": "a column by number",
    "DEFAULT": "DEFAULT",
}

PLAIN_NAME = re.compile(r"\w+")
MOST_ALIASES = 3
NAMING = frozenset({"codebook", "ref"})

REASONS = {
    "aggregate": "aggregates belong in `from`",
    "window": "windows belong in `from`",
    "table": "it gives a table",
    "table_macro": "it gives a table",
    "pragma": "it is a statement",
}


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression may name: the aliases of `from`, and the computed columns where it runs after them.

    `aliases` is None where `from` cannot be read: then nothing is said about them.
    """

    aliases: frozenset[str] | None
    computed: frozenset[str] = frozenset()
    is_column: bool = False


def check_expression(text: Text, scope: Scope, calls: Calls, report: Report) -> Expression | None:
    """Parse an expression and note everything wrong with it; None if it does not even parse."""
    if is_question(text.value):
        return None
    try:
        expression = parse(text.value)
        check_whole(text.value, expression)
    except BadExpression as bad:
        hint = hint_of(text, report)
        message = f"{bad.message}: {hint}" if hint else bad.message
        report.problem_in(text, min(bad.offset, max(0, len(text.value) - 1)), message)
        return None
    nodes = list(expression.walk())
    for node in nodes:
        check_node(node, text, scope, calls, report)
    # `codebook(sex, …)` is told by the call: the name lacks its quotes.
    called = {
        place(node["arguments"][0]["expression"])
        for node in nodes
        if node["class"] == "FUNCTION" and node["function_name"].lower() in NAMING and node["arguments"]
    }
    # Below what may not be there, names mean something else.
    for column in columns_of(expression) if all(node["class"] in PURE for node in nodes) else ():
        if column.offset in called:
            continue
        check_name(column.parts, column.offset, text, scope, report)
    return expression


def check_whole(text: str, expression: Expression) -> None:
    """In brackets the text must be the same: no comma or clause hangs behind it. Raises BadExpression."""
    if not same_tree(parse(in_brackets(text)).tree, expression.tree):
        raise BadExpression("expected exactly one expression")


def in_brackets(text: str) -> str:
    """The same expression, if the text is one."""
    return f"({text}\n)"


def check_name(parts: tuple[str, ...], offset: int, text: Text, scope: Scope, report: Report) -> None:
    """A column must be alias.column; where an expression runs after the columns, one of those."""
    written = ".".join(parts)
    if len(parts) == 1:
        if parts[0] not in scope.computed and parts[0].lower() not in scope.computed:
            where = (
                "alias.column, or the name of a column of this mapping" if scope.computed else example(scope, written)
            )
            message = name_hint(written, text.value, offset) or f"{written!r}: write {where}"
            report.problem_in(text, offset, message, wrong=written, known=scope.computed)
    elif len(parts) > 2:
        report.problem_in(text, offset, f"{written!r}: write alias.column")
    elif scope.aliases is not None and not {parts[0], parts[0].lower()} & scope.aliases:
        report.problem_in(text, offset, f"`from` has no alias {parts[0]!r}", wrong=parts[0], known=scope.aliases)


def example(scope: Scope, written: str) -> str:
    """How a column is written, with the aliases that there are."""
    aliases = scope.aliases or frozenset()
    if not PLAIN_NAME.fullmatch(written) or not 0 < len(aliases) <= MOST_ALIASES:
        return "alias.column"
    return "alias.column, " + " or ".join(f"{alias}.{written}" for alias in sorted(aliases))


def check_node(node: Node, text: Text, scope: Scope, calls: Calls, report: Report) -> None:
    """One node of the tree."""
    kind = node["class"]
    if kind not in PURE:
        report.problem_in(text, place(node), f"an expression may not hold {REFUSED.get(kind, kind.lower())}")
    elif kind == "FUNCTION":
        check_call(node, text, scope, calls, report)


def check_call(node: Node, text: Text, scope: Scope, calls: Calls, report: Report) -> None:
    """A call of a function, or an operator."""
    call = call_of(node)
    name = call.name.lower()
    if node.get("schema") or node.get("catalog"):
        message = f"write {name}(…) with its arguments in the brackets, without a schema"
        report.problem_in(text, call.offset, message)
    elif node.get("distinct") or node.get("filter") or (node.get("order_bys") or {}).get("orders"):
        report.problem_in(text, call.offset, f"{name}() takes no DISTINCT, FILTER or ORDER BY here")
    elif name in FUNCTIONS:
        calls.check(call, text, report, is_column=scope.is_column)
    elif name in CLOCK:
        if call.arguments:
            report.problem_in(text, call.offset, f"{name}() takes no arguments")
    elif not node.get("is_operator") and name not in duckdb_functions():
        refuse_call(call, text, report)


def refuse_call(call: Call, text: Text, report: Report) -> None:
    """A function that is unknown, an aggregate, or not free of side effects."""
    kind = duckdb_kinds().get(call.name.lower())
    if kind is None:
        other = OTHER_WORDS.get(call.name.lower())
        if other is not None:
            report.problem_in(text, call.offset, f"there is no function {call.name}(): write {other}")
            return
        known = [*FUNCTIONS, *duckdb_functions()]
        report.problem_in(text, call.offset, f"there is no function {call.name}()", wrong=call.name, known=known)
    else:
        reason = REASONS.get(kind, "its result must depend on its arguments alone, and it must do nothing else")
        report.problem_in(text, call.offset, f"{call.name}() may not be called here: {reason}")


def place(node: Node) -> int:
    """Where a node stands in its expression."""
    location = node.get("query_location")
    return location if isinstance(location, int) else 0
