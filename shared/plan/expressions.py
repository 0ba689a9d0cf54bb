"""One expression of a plan, parsed by DuckDB's own parser; its tree is walked, its author's text is what runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from typing import Any

import duckdb
import msgspec

from shared.plan import parser
from shared.plan.remembered import Remembered

Node = dict[str, Any]


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


class Expression(msgspec.Struct, frozen=True, kw_only=True, dict=True):
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
        return self._calls

    @cached_property
    def _calls(self) -> tuple[Call, ...]:
        return tuple(
            call_of(node) for node in self.walk() if node["class"] == "FUNCTION" and not node.get("is_operator")
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
    left = [node]
    while left:
        here = left.pop()
        if isinstance(here, dict):
            if "class" in here:
                yield here
            left += [part for part in reversed(here.values()) if isinstance(part, dict | list)]
        elif isinstance(here, list):
            left += reversed(here)


def parse(text: str) -> Expression:
    """Parse one scalar expression; its tree is shared and never changed. Raises BadExpression if it is not that."""
    known = _parsed.get(text)
    if known is None:
        answer = parser.serialized([statement_of(text)])[0]
        known = _parsed.keep(text, expression_of(text, answer), len(answer))
    return known


def parse_all(texts: Iterable[str]) -> dict[str, Expression]:
    """The expressions among many texts, parsed in few goes. What is no expression is left out: `parse` says why."""
    wanted = dict.fromkeys(texts)
    found = {text: known for text in wanted if (known := _parsed.get(text)) is not None}
    try:
        for part in in_parts(text for text in wanted if text not in found):
            for text, answer in zip(part, parser.serialized([statement_of(text) for text in part]), strict=True):
                with suppress(BadExpression, RecursionError):
                    found[text] = _parsed.keep(text, expression_of(text, answer), len(answer))
    except duckdb.Error:
        return {}
    return found


def in_parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in parts, for one question each: the answers of a part are in memory together."""
    part: list[str] = []
    length = 0
    for text in texts:
        if part and length + len(text) > ASKED_TOGETHER:
            yield part
            part, length = [], 0
        part.append(text)
        length += len(text)
    if part:
        yield part


def expression_of(text: str, answer: str) -> Expression:
    """What the parser answers to a text. Raises BadExpression for anything that is not exactly one expression."""
    document = msgspec.json.decode(answer)
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


def statement_of(text: str) -> str:
    """The statement that holds an expression, places in it the same as in the text."""
    return PREFIX + EXCEPT.sub(lambda found: "exempt" if found[0].lower() == "except" else found[0], text)


PREFIX = "SELECT "
# `except` is a reserved word of DuckDB's: the named argument `except :=` is read as `exempt :=`, of the same length.
EXCEPT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\bexcept(?=\s*:=)", re.IGNORECASE)
# Names of hidden columns, no word of SQL among them: DuckDB writes them as they are.
PLAIN_NAME = re.compile(r"[a-z][0-9]+|v")
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
    if tree["class"] == "COLUMN_REF" and all(map(PLAIN_NAME.fullmatch, tree["column_names"])):
        return ".".join(tree["column_names"])
    document = document_of(tree)
    known = _printed.get(document)
    return _keep_printed(document, parser.printed([document])[0]) if known is None else known


def print_all(trees: Iterable[Node]) -> list[str]:
    """Many trees as SQL, printed in few goes; none where one of them cannot be: `print_sql` says which."""
    documents = [document_of(tree) for tree in trees]
    known = {document: text for document in documents if (text := _printed.get(document)) is not None}
    try:
        for part in in_parts(document for document in dict.fromkeys(documents) if document not in known):
            for document, statement in zip(part, parser.printed(part), strict=True):
                known[document] = _keep_printed(document, statement)
    except duckdb.Error:
        return []
    return [known[document] for document in documents]


def _keep_printed(document: str, statement: str) -> str:
    return _printed.keep(document, statement.removeprefix(PREFIX), len(document))


def document_of(tree: Node) -> str:
    """A tree as the document of a statement, for the parser to print."""
    before, after = _around()
    return f"{before}{msgspec.json.encode(tree).decode()}{after}"


@cache
def _around() -> tuple[str, str]:
    """What stands before and after the one tree of a statement's document."""
    document = msgspec.json.decode(parser.serialized([f"{PREFIX}1"])[0])
    document["statements"][0]["node"]["select_list"] = [HERE]
    before, _, after = msgspec.json.encode(document).decode().partition(f'"{HERE}"')
    return before, after


HERE = "the tree"
ASKED_TOGETHER = 65_536
"""Characters of one question to the parser. Its answer has up to 90 times as many."""
MOST_REMEMBERED = 8 * 1024 * 1024
"""Characters of documents that are remembered; a tree takes some ten bytes for each of its document."""
_parsed: Remembered[Expression] = Remembered(MOST_REMEMBERED)
_printed: Remembered[str] = Remembered(MOST_REMEMBERED)
