"""DuckDB's parse tree: how its nodes are made, walked and compared."""

from __future__ import annotations

from typing import Any

from shared.plan.expressions import Node, parse

LEAVES = frozenset({"COLUMN_REF", "CONSTANT"})
"""Nodes that cost nothing to repeat."""
PLACES = frozenset({"query_location", "query_location_length"})
"""Where a node stands in the author's text."""
NO_CAST = frozenset({"VARCHAR", "TEXT", "STRING"})
"""Types that every value casts to."""


def column_node(*names: str) -> Node:
    """A column reference as a tree."""
    return {
        "class": "COLUMN_REF",
        "type": "COLUMN_REF",
        "alias": "",
        "query_location": 0,
        "query_location_length": 0,
        "column_names": list(names),
    }


def string_constant(node: Node) -> str | None:
    """The text of a string constant, None for anything else."""
    constant = node.get("literal")
    if node.get("class") != "CONSTANT" or not isinstance(constant, dict) or constant.get("kind") != "STRING":
        return None
    return str(constant["text"])


def case_node(when: Node, then: Node, otherwise: Node) -> Node:
    """`if(when, then, otherwise)` as a CASE."""
    template = parse("CASE WHEN a THEN b ELSE c END").tree
    return {**template, "case_checks": [{"when_expr": when, "then_expr": then}], "else_expr": otherwise}


def guarded_parts(case: Node) -> list[Node]:
    """What a CASE evaluates for some rows only."""
    checks = case["case_checks"]
    return [*(check["then_expr"] for check in checks), *(check["when_expr"] for check in checks[1:]), case["else_expr"]]


def without_places(node: Any) -> Any:  # noqa: ANN401 - a JSON tree
    """The same tree without the places in the author's text."""
    if isinstance(node, dict):
        return {key: without_places(part) for key, part in node.items() if not key.startswith("query_location")}
    return [without_places(part) for part in node] if isinstance(node, list) else node


def same_tree(one: object, other: object) -> bool:
    """Whether two trees are the same but for the places in the author's text."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            key in PLACES or same_tree(part, other[key]) for key, part in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_tree, one, other))
    return bool(one == other)


def constant_text(node: Node) -> str:
    """The text of a string constant, empty for anything else."""
    constant = node.get("literal", {})
    return str(constant.get("text", "")) if constant.get("kind") == "STRING" else ""


def parameter_names(node: Node) -> list[str]:
    """The names of a lambda's parameters, from its left side."""
    if node["class"] == "COLUMN_REF":
        return list(node["column_names"])
    return [name for child in children(node) for name in parameter_names(child)]


def target_type(cast: Node) -> str:
    """The type name of a CAST node, in capitals, without its modifiers."""
    return str(cast["type_expr"]["type_name"]).upper()


def children(node: Node) -> list[Node]:
    """The expressions directly below a node, in order; type expressions are none."""
    found: list[Node] = []
    for key, value in node.items():
        if key != "type_expr":
            _collect(value, found)
    return found


def _collect(value: object, found: list[Node]) -> None:
    if isinstance(value, dict):
        if "class" in value:
            found.append(value)
        else:
            for inner in value.values():
                _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)


def is_null(node: Node) -> bool:
    """Whether a node is the constant NULL."""
    return node["class"] == "CONSTANT" and str(node["literal"]["kind"]) in ("NULL", "NULL_LITERAL")


def is_if(node: Node) -> bool:
    """Whether a node is `if(when, then, otherwise)`, which DuckDB's tree does not show as a CASE."""
    return node["class"] == "FUNCTION" and node["function_name"].lower() == "if" and len(node["arguments"]) == 3
