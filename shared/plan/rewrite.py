"""An author's expression becomes hidden columns: what can fail is computed once, as a value, with its reason.

The tree is DuckDB's own. A conversion becomes its TRY form in a hidden column, and its failure a flag: the argument
is there and the result is not. What else can throw is wrapped in `TRY({'v': ...})`, whose NULL tells an error from a
NULL value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared.plan.compiled import SourceColumn
from shared.plan.expressions import Call, Expression, Node, call_of, parse, print_sql
from shared.plan.failures import Failures
from shared.plan.functions import FUNCTIONS
from shared.plan.last_cast import INTEGERS
from shared.plan.layers import Column, Layers
from shared.plan.nodes import (
    LEAVES,
    NO_CAST,
    case_node,
    children,
    column_node,
    guarded_parts,
    is_if,
    parameter_names,
    target_type,
    without_places,
)
from shared.plan.safety import may_throw
from shared.plan.scratch import HIDDEN_PREFIXES
from shared.plan.values import BadUse, Value
from shared.postgres.identifiers import Identifier

CallCompiler = Callable[[Call, Failures], Value]
FALLIBLE_READS = ("DECIMAL", "TIMESTAMP")
"""DuckDB types that do not hold everything the legacy type holds: NaN, years beyond 294247."""
READERS = {"DATE": "read_date", "TIMESTAMP": "read_timestamp", "TIMESTAMP WITH TIME ZONE": "read_timestamptz"}
MOMENT_NAMES = frozenset({"now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"})
DAY_NAMES = frozenset({"today", "current_date"})
DONE = "DONE"
"""A node that is rewritten already."""
REFUSED = frozenset({"SUBQUERY", "WINDOW", "PARAMETER", "STAR", "DEFAULT", "POSITIONAL_REFERENCE"})
PLAIN_MACROS = frozenset({"clean", "digits", "name_case"})
"""Functions of ours that a lambda may call: they cannot fail and need no column of their own."""


class Rewriter:
    """Rewrites the expressions of one mapping onto `layers`."""

    def __init__(self, layers: Layers, aliases: dict[str, dict[str, SourceColumn]]) -> None:
        self.layers = layers
        self.aliases = aliases
        self.calls: dict[str, CallCompiler] = {}
        """What compiles key() and ref() (`key`), and all other functions of ours (empty)."""
        self.computed: dict[str, Column] = {}
        """Target columns that rules and `keep` may use, once they are computed."""
        self.impossible: dict[str, str] = {}
        """By source column: SQL that is true where its text does not read as its own type."""
        self.parameters: set[str] = set()
        """Variables that the statement needs."""

    def expression(self, expression: Expression, failures: Failures) -> Value:
        """A whole expression, safe to evaluate: what may throw stands behind its net. Raises BadUse, duckdb.Error."""
        return self.settled(self.rewrite(expression.tree, failures), failures)

    def settled(self, value: Value, failures: Failures) -> Value:
        """The same value behind a net where it may throw."""
        if not may_throw(value.node, self.type_of):
            return value
        guard, layer = failures.guard
        inner = f"CASE WHEN {guard} THEN {value.sql} END" if guard else value.sql
        net = self.layers.add(f"TRY(struct_pack(v := {inner}))", max(value.layer, layer), "n")
        failures.add("expression", f"{Identifier(net.name)} IS NULL")
        return Value(node=column_node(net.name, "v"), layer=net.layer)

    def simple(self, value: Value, failures: Failures) -> Value:
        """The same value as a column or constant."""
        settled = self.settled(value, failures)
        if settled.simple:
            return settled
        column = self.layers.add(settled.sql, settled.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def type_of(self, node: Node) -> str:
        """DuckDB's type of a rewritten expression."""
        return self.layers.type_of(print_sql(node))

    def rewrite(self, node: Node, failures: Failures) -> Value:  # noqa: C901 - one line per kind of node
        """One node and all below it."""
        match node["class"]:
            case "CONSTANT":
                return Value(node=node, layer=0)
            case kind if kind == DONE:
                done: Value = node["value"]
                return done
            case "KEY_NAME":
                name: Value = node["namer"](call_of(node), failures)
                return name
            case "COLUMN_REF":
                return self._column(node, failures)
            case "FUNCTION":
                return self._function(node, failures)
            case "CAST":
                return self._cast(node, failures)
            case "CASE":
                return self._case(node, failures)
            case "CONJUNCTION":
                taken_unless = "false" if node["type"] == "CONJUNCTION_AND" else "true"
                return self._in_turn(node, f"IS DISTINCT FROM {taken_unless}", failures)
            case "OPERATOR" if node["type"] == "OPERATOR_COALESCE":
                return self._in_turn(node, "IS NULL", failures)
            case "OPERATOR" if node["type"] == "OPERATOR_TRY":
                with failures.muted():
                    return self._below(node, failures)
            case "LAMBDA":
                return self._lambda(node, failures)
            case kind if kind in REFUSED:
                raise BadUse(f"{str(kind).lower()} is not part of an expression")
        return self._below(node, failures)

    def _below(self, node: Node, failures: Failures) -> Value:
        """The same node over rewritten children."""
        layer = 0

        def replaced(part: Any) -> Any:  # noqa: ANN401 - a JSON tree
            nonlocal layer
            if isinstance(part, dict):
                if "class" in part:
                    value = self.rewrite(part, failures)
                    layer = max(layer, value.layer)
                    return value.node
                return {key: replaced(inner) for key, inner in part.items()}
            return [replaced(inner) for inner in part] if isinstance(part, list) else part

        changed = {key: part if key == "type_expr" else replaced(part) for key, part in node.items()}
        return Value(node=changed, layer=layer)

    # Columns

    def _column(self, node: Node, failures: Failures) -> Value:
        names = node["column_names"]
        if len(names) == 1:
            return self._bare(names[0])
        source = self.source_column(names)
        if source is None:
            raise BadUse(f"{'.'.join(names)} is no column of the source")
        return self.read(source, failures)

    def source_column(self, names: list[str]) -> SourceColumn | None:
        """The extraction's column of `alias.column`, by exact name first."""
        if len(names) != 2:
            return None
        alias, column = names
        columns = self.aliases.get(alias) or self.aliases.get(alias.lower()) or {}
        return columns.get(column) or columns.get(column.lower())

    def _bare(self, name: str) -> Value:
        if name.lower() in MOMENT_NAMES | DAY_NAMES:
            return self._moment(name.lower())
        column = self.computed.get(name) or self.computed.get(name.lower())
        if column is None:
            raise BadUse(f"{name} is no column of the target that is computed before this")
        return Value(node=column_node(column.name), layer=column.layer)

    def read(self, source: SourceColumn, failures: Failures) -> Value:
        """A source column as its own type."""
        failures.use(source.name)
        if source.duck_type == "VARCHAR":
            return Value(node=column_node(source.name), layer=0)
        raw = Identifier(source.name)
        reader = READERS.get(source.duck_type)
        typed = self.layers.add(f"{reader}({raw})" if reader else f"TRY_CAST({raw} AS {source.duck_type})", 0, "t")
        unread = f"{raw} IS NOT NULL AND {Identifier(typed.name)} IS NULL"
        if source.duck_type.startswith(FALLIBLE_READS):
            failures.add("unreadable", unread)
        else:
            self.impossible[source.name] = unread
        return Value(node=column_node(typed.name), layer=typed.layer)

    def _moment(self, name: str) -> Value:
        self.parameters.add("snapshot_at")
        kind = "DATE" if name in DAY_NAMES else "TIMESTAMPTZ"
        moment = self.layers.add("CAST(CAST(getvariable('snapshot_at') AS TIMESTAMPTZ) AS " + kind + ")", 0, "t")
        return Value(node=column_node(moment.name), layer=moment.layer)

    # Steps that can fail

    def _cast(self, node: Node, failures: Failures) -> Value:
        """CAST becomes TRY_CAST and a flag; the author's own TRY_CAST has none."""
        if node["child"]["class"] == "CONSTANT":
            return Value(node=node, layer=0)
        child = self.rewrite(node["child"], failures)
        if target_type(node) in NO_CAST:
            return Value(node={**node, "child": child.node}, layer=child.layer)
        value = self.simple(child, failures)
        tried = print_sql({**node, "child": value.node, "try_cast": True})
        if self.type_of(value.node) == "VARCHAR" and self.layers.type_of(tried) in INTEGERS:
            # DuckDB would round '1.5' to 2 and read '1_000' and '0x10'.
            tried = f"CASE WHEN is_whole({value.sql}) THEN {tried} END"
        result = self.layers.add(tried, value.layer)
        if not node["try_cast"]:
            failures.add("cast", f"{value.sql} IS NOT NULL AND {Identifier(result.name)} IS NULL")
        return Value(node=column_node(result.name), layer=result.layer)

    def _function(self, node: Node, failures: Failures) -> Value:
        call = call_of(node)
        name = call.name.lower()
        if name in MOMENT_NAMES | DAY_NAMES and not call.arguments:
            return self._moment(name)
        if is_if(node):
            return self._case(case_node(*call.arguments), failures)
        if name not in FUNCTIONS or node.get("is_operator"):
            return self._below(node, failures)
        compiler = self.calls.get("key" if name in ("key", "ref") else "")
        if compiler is None:
            raise BadUse(f"{name}() has no place here")
        return compiler(call, failures)

    # Branches

    def _case(self, node: Node, failures: Failures) -> Value:
        """Each branch is guarded by its own condition and by the failure of all before it."""
        node = self._with_shared_operand(node, failures)
        guarded = any(map(self._fallible, guarded_parts(node)))
        checks: list[Node] = []
        guards: list[tuple[str, int]] = []
        layer = 0
        for check in node["case_checks"]:
            with failures.within(*guards):
                when = self._condition(check["when_expr"], failures, hoist=guarded)
            taken = [(f"{when.sql} IS NOT DISTINCT FROM true", when.layer)] if guarded else []
            with failures.within(*guards, *taken):
                then = self.rewrite(check["then_expr"], failures)
            if guarded:
                guards.append((f"{when.sql} IS DISTINCT FROM true", when.layer))
            checks.append({**check, "when_expr": when.node, "then_expr": then.node})
            layer = max(layer, when.layer, then.layer)
        with failures.within(*guards):
            otherwise = self.rewrite(node["else_expr"], failures)
        return Value(
            node={**node, "case_checks": checks, "else_expr": otherwise.node}, layer=max(layer, otherwise.layer)
        )

    def _with_shared_operand(self, node: Node, failures: Failures) -> Node:
        """`CASE x WHEN 1 ... WHEN 2 ...` says x again in every condition: compute it once."""
        whens = [check["when_expr"] for check in node["case_checks"]]
        if len(whens) < 2 or any(
            when["type"] != "COMPARE_EQUAL" or when["right"]["class"] != "CONSTANT" for when in whens
        ):
            return node
        if whens[0]["left"]["class"] in LEAVES or len({json.dumps(without_places(when["left"])) for when in whens}) > 1:
            return node
        operand = self.simple(self.rewrite(whens[0]["left"], failures), failures)
        done = {"class": DONE, "type": DONE, "value": operand}
        checks = [{**check, "when_expr": {**check["when_expr"], "left": done}} for check in node["case_checks"]]
        return {**node, "case_checks": checks}

    def _condition(self, node: Node, failures: Failures, *, hoist: bool) -> Value:
        condition = self.rewrite(node, failures)
        if not hoist:
            return condition
        if condition.node["class"] != "CONSTANT" and self.type_of(condition.node) != "BOOLEAN":
            cast = parse("CAST(a AS BOOLEAN)").tree
            condition = Value(node={**cast, "child": condition.node}, layer=condition.layer)
        return self.simple(condition, failures)

    def _in_turn(self, node: Node, goes_on: str, failures: Failures) -> Value:
        """AND, OR, COALESCE: an operand counts only where all before it let evaluation go on."""
        operands = node["children"]
        parts: list[Node] = []
        guards: list[tuple[str, int]] = []
        layer = 0
        for position, child in enumerate(operands):
            with failures.within(*guards):
                value = self.rewrite(child, failures)
                if any(map(self._fallible, operands[position + 1 :])):
                    value = self.simple(value, failures)
                    guards.append((f"{value.sql} {goes_on}", value.layer))
            parts.append(value.node)
            layer = max(layer, value.layer)
        return Value(node={**node, "children": parts}, layer=layer)

    def _fallible(self, node: Node) -> bool:
        """Whether a part of the expression will be computed on its own, so that it matters if its branch is taken."""
        match node["class"]:
            case "CAST" if not node["try_cast"] and target_type(node) not in NO_CAST:
                return bool(node["child"]["class"] != "CONSTANT")
            case "KEY_NAME":
                return True
            case "FUNCTION" if node["function_name"].lower() in FUNCTIONS:
                return True
            case "COLUMN_REF":
                source = self.source_column(node["column_names"])
                return source is not None and source.duck_type.startswith(FALLIBLE_READS)
        return any(map(self._fallible, children(node)))

    def _lambda(self, node: Node, failures: Failures) -> Value:
        """A lambda's body stays whole: its parameters are no columns. What fails in it is caught by the net."""
        parameters = {name for part in children(node)[:1] for name in parameter_names(part)}
        if any(name[0] in HIDDEN_PREFIXES and name[1:].isdigit() for name in parameters):
            raise BadUse("a lambda's parameter is named like a hidden column; give it a longer name")
        layer = 0

        def replaced(part: Any) -> Any:  # noqa: ANN401 - a JSON tree
            nonlocal layer
            if isinstance(part, list):
                return [replaced(inner) for inner in part]
            if not isinstance(part, dict):
                return part
            if (
                part.get("class") == "FUNCTION"
                and part["function_name"].lower() in FUNCTIONS
                and part["function_name"].lower() not in PLAIN_MACROS
            ):
                raise BadUse(f"{part['function_name']}() cannot be used inside a lambda")
            if part.get("class") == "COLUMN_REF" and part["column_names"][0] not in parameters:
                value = self._column(part, failures)
                layer = max(layer, value.layer)
                return value.node
            return {key: inner if key in ("lhs", "type_expr") else replaced(inner) for key, inner in part.items()}

        return Value(node=replaced(node), layer=layer)
