"""Calls of the plan language's own functions, each computed in a column of its own, its failure a flag."""

from __future__ import annotations

from shared.core.states import Brought
from shared.plan.expressions import Call, Node, parse
from shared.plan.failures import NOTE, WARNING, Failures
from shared.plan.functions import FUNCTIONS
from shared.plan.functions.codebook import lookup_sql
from shared.plan.functions.rest import rest_keys, rest_sql
from shared.plan.functions.unit import OF_DAYS
from shared.plan.layers import Column
from shared.plan.model import Codebook
from shared.plan.nodes import column_node, constant_text
from shared.plan.packing import Pair
from shared.plan.rewrite import Rewriter
from shared.plan.values import BadUse, Value
from shared.postgres.identifiers import Identifier, literal

ISO_MOMENTS = (
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
"""What `timestamp_of` reads without a format."""


class Calls:
    """Compiles calls for one mapping. `packed` are the source columns that `rest()` packs."""

    def __init__(
        self, rewriter: Rewriter, codebooks: dict[str, Codebook], *, driving: str, packed: tuple[Pair, ...]
    ) -> None:
        self._rewriter = rewriter
        self._layers = rewriter.layers
        self._codebooks = codebooks
        self._driving = driving
        self._packed = packed
        self.packed: tuple[str, ...] = ()
        """Keys of the object that `rest()` makes."""

    def value(self, call: Call, failures: Failures) -> Value:
        """The value of a call. Raises BadUse, duckdb.Error."""
        match call.name.lower():
            case "codebook":
                return self._codebook(call, failures)
            case "rest":
                return self._rest(failures)
            case "source_table":
                return Value(node=parse(literal(self._driving)).tree, layer=0)
        return self._called(call, failures)

    def _called(self, call: Call, failures: Failures) -> Value:
        function = FUNCTIONS[call.name.lower()]
        values = [self._argument(call.arguments[0], failures, as_text=call.name.lower() != "unit")]
        values += [
            self._rewriter.simple(self._rewriter.rewrite(argument, failures), failures)
            for argument in call.arguments[1:]
        ]
        first = values[0].sql
        layer = max(value.layer for value in values)
        if function.steps:
            result = self._stepped(function.steps, first, layer)
        else:
            name = OF_DAYS if self._is_of_days(call, values) else call.name.lower()
            result = self._layers.add(_call_sql(name, [value.sql for value in values]), layer)
        if function.reason:
            there = f"trim({first}) <> ''" if function.blank_is_missing else f"{first} IS NOT NULL"
            failures.add(function.reason, f"{there} AND {Identifier(result.name)} IS NULL")
        return Value(node=column_node(result.name), layer=result.layer)

    def _is_of_days(self, call: Call, values: list[Value]) -> bool:
        """Whether a moment is asked to lie between two days."""
        if call.name.lower() != "unit":
            return False
        value, *ends = [self._rewriter.type_of(value.node) for value in values]
        return value.startswith("TIMESTAMP") and ends == ["DATE", "DATE"]

    def _stepped(self, steps: tuple[str, ...], argument: str, layer: int) -> Column:
        column = self._layers.add(f"{steps[0]}({argument})", layer)
        for step in steps[1:]:
            column = self._layers.add(f"{step}({Identifier(column.name)})", column.layer)
        return column

    def _argument(self, node: Node, failures: Failures, *, as_text: bool) -> Value:
        """An argument as a column or constant; a source column wanted as text is taken as PostgreSQL wrote it."""
        if as_text and node["class"] == "COLUMN_REF":
            source = self._rewriter.source_column(node["column_names"])
            if source is not None and source.duck_type != "BOOLEAN":
                failures.use(source.name)
                return Value(node=column_node(source.name), layer=0)
        value = self._rewriter.simple(self._rewriter.rewrite(node, failures), failures)
        if not as_text or self._rewriter.type_of(value.node) == "VARCHAR":
            return value
        column = self._layers.add(f"CAST({value.sql} AS VARCHAR)", value.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def _codebook(self, call: Call, failures: Failures) -> Value:
        book = self._codebooks.get(constant_text(call.arguments[0]))
        if book is None:
            raise BadUse("codebook() needs the name of one of the plan's code books")
        code = self._argument(call.arguments[1], failures, as_text=True)
        known = self._layers.add(lookup_sql(code.sql, book.meanings), code.layer, kind="VARCHAR")
        unknown = f"{code.sql} IS NOT NULL AND {Identifier(known.name)} IS NULL"
        if book.otherwise is None:
            failures.add("unknown_code", unknown)
            return Value(node=column_node(known.name), layer=known.layer)
        failures.add(f"{NOTE}{Brought.OTHERWISE}", unknown)
        if book.warn:
            failures.add(f"{WARNING}unknown_code", unknown)
        sql = f"CASE WHEN {unknown} THEN {literal(book.otherwise)} ELSE {Identifier(known.name)} END"
        column = self._layers.add(sql, known.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def _rest(self, failures: Failures) -> Value:
        every = [column for columns in self._rewriter.aliases.values() for column in columns.values()]
        packed = [column for column in every if (column.alias, column.column) in self._packed]
        keys = rest_keys(packed, every)
        self.packed = tuple(keys)
        for column in packed:
            failures.use(column.name)
        result = self._layers.add(rest_sql(keys), 0, kind="VARCHAR")
        return Value(node=column_node(result.name), layer=result.layer)


def _call_sql(name: str, arguments: list[str]) -> str:
    if name not in ("date_of", "timestamp_of"):
        return f"{name}({', '.join(arguments)})"
    default = ("%Y-%m-%d",) if name == "date_of" else ISO_MOMENTS
    formats = arguments[1:] or [literal(form) for form in default]
    kind = "DATE" if name == "date_of" else "TIMESTAMP"
    return f"TRY_CAST(try_strptime({arguments[0]}, [{', '.join(formats)}]) AS {kind})"
