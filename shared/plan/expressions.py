"""One expression of a plan, parsed by DuckDB's own parser; its tree is walked, its author's text is what runs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec

Node = dict[str, Any]

_local = threading.local()


class BadExpression(Exception):
    """The text is not exactly one expression: `offset` in characters, `message` the parser's first line."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class ColumnUse(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A column as written: `alias.column`, or a bare name with an empty alias; `offset` counts characters."""

    alias: str
    column: str
    offset: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function call: its name, the texts and trees of its arguments (named ones by name), its place in the text."""

    name: str
    arguments: tuple[Node, ...]
    argument_names: tuple[str, ...]
    offset: int
    length: int


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed expression. `tree` is DuckDB's parse tree; `query_location` in it counts characters of `text`."""

    text: str
    tree: Node

    def walk(self) -> Iterator[Node]:
        """Every node of the tree, parents first."""
        return walk(self.tree)

    def columns(self) -> tuple[ColumnUse, ...]:
        """Columns used, in order of appearance, with repeats."""
        return tuple(
            ColumnUse(alias=names[0] if len(names) > 1 else "", column=names[-1], offset=node["query_location"])
            for node in self.walk()
            if node.get("class") == "COLUMN_REF" and (names := node["column_names"])
        )

    def calls(self) -> tuple[Call, ...]:
        """Functions called, operators left out, parents first."""
        return tuple(
            call_of(node) for node in self.walk() if node.get("class") == "FUNCTION" and not node.get("is_operator")
        )


def call_of(node: Node) -> Call:
    """A FUNCTION node as a call."""
    return Call(
        name=node["function_name"],
        arguments=tuple(argument["expression"] for argument in node["arguments"]),
        argument_names=tuple(argument["name"] for argument in node["arguments"]),
        offset=node["query_location"],
        length=node["query_location_length"],
    )


def walk(node: object) -> Iterator[Node]:
    """Every dict with a `class` below and including `node`, parents first."""
    if isinstance(node, dict):
        if "class" in node:
            yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def parse(text: str) -> Expression:
    """Parse one scalar expression. Raises BadExpression for anything that is not exactly that."""
    readable = EXCEPT.sub(lambda found: "exempt" if found[0].lower() == "except" else found[0], text)
    document = json.loads(_ask("select json_serialize_sql(?)", PREFIX + readable))
    if document["error"]:
        position = document.get("position")
        raise BadExpression(document["error_message"].splitlines()[0], max(0, int(position or 0) - len(PREFIX)))
    statements = document["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    extra = set(node) - PLAIN_SELECT
    if (
        node.get("type") != "SELECT_NODE"
        or len(node["select_list"]) != 1
        or any(node[name] for name in extra if name in CLAUSES)
    ):
        raise BadExpression("expected exactly one expression")
    tree = node["select_list"][0]
    if node["from_table"]["type"] != "EMPTY" or tree.get("alias"):
        raise BadExpression("expected exactly one expression, without FROM or alias")
    return Expression(text=text, tree=placed(tree, (PREFIX + text).encode()))


PREFIX = "SELECT "
# `except` is a reserved word of DuckDB's: the named argument `except :=` is read as `exempt :=`, of the same length.
EXCEPT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\bexcept(?=\s*:=)", re.IGNORECASE)
PLAIN_SELECT = frozenset({"type", "select_list", "from_table"})
CLAUSES = frozenset({"modifiers", "where_clause", "group_expressions", "having", "sample", "qualify"})


def placed(node: Any, encoded: bytes) -> Any:  # noqa: ANN401 - a JSON tree
    """The same tree with locations counted in characters of the expression instead of bytes of the statement."""
    if isinstance(node, dict):
        moved = {key: placed(value, encoded) for key, value in node.items()}
        start = node.get("query_location")
        if isinstance(start, int):
            end = start + int(node.get("query_location_length") or 0)
            moved["query_location"] = len(encoded[:start].decode(errors="replace")) - len(PREFIX)
            moved["query_location_length"] = len(encoded[start:end].decode(errors="replace"))
        return moved
    if isinstance(node, list):
        return [placed(value, encoded) for value in node]
    return node


def print_sql(tree: Node) -> str:
    """A tree as SQL, in DuckDB's own words."""
    document = json.loads(_ask("select json_serialize_sql(?)", "SELECT 1"))
    document["statements"][0]["node"]["select_list"] = [tree]
    return _ask("select json_deserialize_sql(?)", json.dumps(document)).removeprefix(PREFIX)


def _ask(query: str, argument: str) -> str:
    """The one value of a query. The result is drained: an open one makes the connection's next call fail."""
    rows = _parser().execute(query, [argument]).fetchall()
    return str(rows[0][0])


def _parser() -> duckdb.DuckDBPyConnection:
    if not hasattr(_local, "parser"):
        _local.parser = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
    parser: duckdb.DuckDBPyConnection = _local.parser
    return parser
