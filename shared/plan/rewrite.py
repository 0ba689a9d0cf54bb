"""An author's expression becomes hidden columns: every step that can fail is computed once, as a value, with its reason.

The tree is DuckDB's own. A conversion becomes its TRY form in a hidden column, and its failure a flag: the argument is there
and the result is not. What else can throw is wrapped in `TRY({'v': ...})`, whose NULL tells an error from a NULL value.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from shared.core.errors import Refused
from shared.plan.compiled import SourceColumn
from shared.plan.expressions import Call, Expression, Node, call_of, parse, print_sql
from shared.plan.failures import Failures
from shared.plan.functions import FUNCTIONS
from shared.plan.functions.codebook import lookup_sql
from shared.plan.functions.rest import rest_keys, rest_sql
from shared.plan.last_cast import INTEGERS
from shared.plan.layers import Column, Layers
from shared.plan.model import Codebook
from shared.plan.safety import children, may_throw, target_type
from shared.postgres.identifiers import Identifier, literal

FALLIBLE_READS = ("DECIMAL", "TIMESTAMP")
"""DuckDB types that do not hold everything the legacy type holds: NaN, years beyond 294247."""
READERS = {"DATE": "read_date", "TIMESTAMP": "read_timestamp", "TIMESTAMP WITH TIME ZONE": "read_timestamptz"}
MOMENT_NAMES = frozenset({"now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"})
DAY_NAMES = frozenset({"today", "current_date"})
ISO_MOMENTS = (
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
DONE = "DONE"
"""A node that is rewritten already."""
TRIVIAL = frozenset({"COLUMN_REF", "CONSTANT"})
REFUSED = frozenset({"SUBQUERY", "WINDOW", "PARAMETER", "STAR", "DEFAULT", "POSITIONAL_REFERENCE"})
HIDDEN_PREFIXES = "chknrtvw"


class BadUse(Refused):
    """The expression cannot be compiled; the text says why, without a value."""

    code = "bad_use"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A rewritten expression and the highest layer it reads."""

    node: Node
    layer: int

    @property
    def simple(self) -> bool:
        """Whether repeating it costs nothing."""
        return self.node["class"] in TRIVIAL

    @property
    def sql(self) -> str:
        """The expression as SQL."""
        return print_sql(self.node)


class Rewriter:
    """Rewrites the expressions of one mapping onto `layers`."""

    def __init__(
        self,
        layers: Layers,
        aliases: dict[str, dict[str, SourceColumn]],
        codebooks: dict[str, Codebook],
        *,
        driving: str,
    ) -> None:
        self.layers = layers
        self.aliases = aliases
        self.codebooks = codebooks
        self.driving = driving
        self.computed: dict[str, Column] = {}
        self.keys: KeyCalls | None = None
        self.rest_excluded: frozenset[str] = frozenset()
        self.impossible: dict[str, str] = {}
        self.parameters: set[str] = set()
        self.rest_names: tuple[str, ...] = ()

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

    def rewrite(self, node: Node, failures: Failures) -> Value:  # noqa: PLR0911 - one line per kind of node
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
            case "CAST" if not node["try_cast"]:
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
            return self._bare(names[0], node)
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

    def _bare(self, name: str, node: Node) -> Value:
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
        if node["child"]["class"] == "CONSTANT":
            return Value(node=node, layer=0)
        child = self.rewrite(node["child"], failures)
        kind = target_type(node)
        if kind in ("VARCHAR", "TEXT", "STRING"):
            return Value(node={**node, "child": child.node}, layer=child.layer)
        value = self.simple(child, failures)
        tried = print_sql({**node, "child": value.node, "try_cast": True})
        if self.type_of(value.node) == "VARCHAR" and self.layers.type_of(tried) in INTEGERS:
            # DuckDB would round '1.5' to 2 and read '1_000' and '0x10'.
            tried = f"CASE WHEN is_whole({value.sql}) THEN {tried} END"
        result = self.layers.add(tried, value.layer)
        failures.add("cast", f"{value.sql} IS NOT NULL AND {Identifier(result.name)} IS NULL")
        return Value(node=column_node(result.name), layer=result.layer)

    def _function(self, node: Node, failures: Failures) -> Value:
        call = call_of(node)
        name = call.name.lower()
        if name in MOMENT_NAMES | DAY_NAMES and not call.arguments:
            return self._moment(name)
        if name == "if" and len(call.arguments) == 3:
            return self._case(case_node(*call.arguments), failures)
        if name not in FUNCTIONS or node.get("is_operator"):
            return self._below(node, failures)
        match name:
            case "key" | "ref":
                if self.keys is None:
                    raise BadUse(f"{name}() has no place here")
                return self.keys.uuid(call, failures)
            case "codebook":
                return self._codebook(call, failures)
            case "rest":
                return self._rest(call, failures)
            case "source_table":
                return Value(node=parse(literal(self.driving)).tree, layer=0)
        return self._called(call, failures)

    def _called(self, call: Call, failures: Failures) -> Value:
        function = FUNCTIONS[call.name.lower()]
        values = [self._argument(call.arguments[0], failures, as_text=call.name.lower() != "unit")]
        values += [self.simple(self.rewrite(argument, failures), failures) for argument in call.arguments[1:]]
        first = values[0].sql
        layer = max(value.layer for value in values)
        if function.steps:
            result = self._stepped(function.steps, first, layer)
        else:
            result = self.layers.add(_call_sql(call, [value.sql for value in values]), layer)
        if function.reason:
            there = f"trim({first}) <> ''" if function.blank_is_missing else f"{first} IS NOT NULL"
            failures.add(function.reason, f"{there} AND {Identifier(result.name)} IS NULL")
        return Value(node=column_node(result.name), layer=result.layer)

    def _stepped(self, steps: tuple[str, ...], argument: str, layer: int) -> Column:
        column = self.layers.add(f"{steps[0]}({argument})", layer)
        for step in steps[1:]:
            column = self.layers.add(f"{step}({Identifier(column.name)})", column.layer)
        return column

    def _argument(self, node: Node, failures: Failures, *, as_text: bool) -> Value:
        """An argument as a column or constant; a plain source column that is wanted as text is taken as PostgreSQL wrote it."""
        if as_text and node["class"] == "COLUMN_REF":
            source = self.source_column(node["column_names"])
            if source is not None and source.duck_type != "BOOLEAN":
                failures.use(source.name)
                return Value(node=column_node(source.name), layer=0)
        value = self.simple(self.rewrite(node, failures), failures)
        if not as_text or self.type_of(value.node) == "VARCHAR":
            return value
        column = self.layers.add(f"CAST({value.sql} AS VARCHAR)", value.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def _codebook(self, call: Call, failures: Failures) -> Value:
        book = self.codebooks.get(constant_text(call.arguments[0]))
        if book is None:
            raise BadUse("codebook() needs the name of one of the plan's code books")
        code = self._argument(call.arguments[1], failures, as_text=True)
        known = self.layers.add(lookup_sql(code.sql, book.meanings), code.layer)
        unknown = f"{code.sql} IS NOT NULL AND {Identifier(known.name)} IS NULL"
        if book.otherwise is None:
            failures.add("unknown_code", unknown)
            return Value(node=column_node(known.name), layer=known.layer)
        if book.warn:
            failures.add("warn:unknown_code", unknown)
        sql = f"CASE WHEN {unknown} THEN {literal(book.otherwise)} ELSE {Identifier(known.name)} END"
        column = self.layers.add(sql, known.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def _rest(self, call: Call, failures: Failures) -> Value:
        excluded = self.rest_excluded | set(rest_exceptions(call))
        every = [column for columns in self.aliases.values() for column in columns.values()]
        packed = [column for column in every if not {f"{column.alias}.{column.column}", column.column} & excluded]
        keys = rest_keys(packed, every)
        self.rest_names = tuple(keys)
        for column in packed:
            failures.use(column.name)
        result = self.layers.add(rest_sql(keys), 0)
        return Value(node=column_node(result.name), layer=result.layer)

    # Branches

    def _case(self, node: Node, failures: Failures) -> Value:
        """Each branch is guarded by its own condition and by the failure of all before it."""
        node = self._with_shared_operand(node, failures)
        guarded = any(map(self._fallible, _guarded_parts(node)))
        checks, guards, layer = [], [], 0
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
        if (
            whens[0]["left"]["class"] in TRIVIAL
            or len({json.dumps(without_places(when["left"])) for when in whens}) > 1
        ):
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
        parts, guards, layer = [], [], 0
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
            case "CAST" if not node["try_cast"] and target_type(node) not in ("VARCHAR", "TEXT", "STRING"):
                return node["child"]["class"] != "CONSTANT"
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
        parameters = {name for part in children(node)[:1] for name in _parameter_names(part)}
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


PLAIN_MACROS = frozenset({"clean", "digits", "name_case"})


class KeyCalls(Protocol):
    """What compiles key() and ref() to UUIDs; see `shared.plan.key_names`."""

    def uuid(self, call: Call, failures: Failures) -> Value:
        """The UUID of a key() or ref() as a value."""
        ...


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


def case_node(when: Node, then: Node, otherwise: Node) -> Node:
    """`if(when, then, otherwise)` as a CASE."""
    template = parse("CASE WHEN a THEN b ELSE c END").tree
    return {**template, "case_checks": [{"when_expr": when, "then_expr": then}], "else_expr": otherwise}


def _guarded_parts(case: Node) -> list[Node]:
    """What a CASE evaluates for some rows only."""
    checks = case["case_checks"]
    return [*(check["then_expr"] for check in checks), *(check["when_expr"] for check in checks[1:]), case["else_expr"]]


def without_places(node: Any) -> Any:  # noqa: ANN401 - a JSON tree
    """The same tree without the places in the author's text."""
    if isinstance(node, dict):
        return {key: without_places(part) for key, part in node.items() if not key.startswith("query_location")}
    return [without_places(part) for part in node] if isinstance(node, list) else node


def constant_text(node: Node) -> str:
    """The text of a string constant, empty for anything else."""
    constant = node.get("literal", {})
    return str(constant.get("text", "")) if constant.get("kind") == "STRING" else ""


def rest_exceptions(call: Call) -> tuple[str, ...]:
    """The names in `except := [...]`."""
    return tuple(
        constant_text(item)
        for argument in call.arguments
        for item in ([*children(argument)] or [argument])
        if constant_text(item)
    )


def _parameter_names(node: Node) -> list[str]:
    if node["class"] == "COLUMN_REF":
        return list(node["column_names"])
    return [name for child in children(node) for name in _parameter_names(child)]


def _call_sql(call: Call, arguments: list[str]) -> str:
    name = call.name.lower()
    if name not in ("date_of", "timestamp_of"):
        return f"{name}({', '.join(arguments)})"
    default = ("%Y-%m-%d",) if name == "date_of" else ISO_MOMENTS
    formats = arguments[1:] or [literal(form) for form in default]
    kind = "DATE" if name == "date_of" else "TIMESTAMP"
    return f"TRY_CAST(try_strptime({arguments[0]}, [{', '.join(formats)}]) AS {kind})"
