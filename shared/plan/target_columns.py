"""One target column: from its expression to a value of exactly its encoder's type, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.core.states import Brought, Encoding
from shared.plan.brought_in import last_resort
from shared.plan.compiled import SourceColumn
from shared.plan.encoders import Encoder, Shape, encoder_of
from shared.plan.expressions import BadExpression, Expression, Node, parse, parse_all, print_all, print_sql, walk
from shared.plan.failures import NOTE, WARNING, Failures
from shared.plan.key_names import KeyNames, is_key_call
from shared.plan.last_cast import Checks, fraction_checks, last_cast, moment_checks
from shared.plan.model import ColumnExpression, Mapping, Text
from shared.plan.nodes import children, column_node, is_null, same_tree
from shared.plan.rewrite import Rewriter
from shared.plan.scratch import type_all
from shared.plan.values import BadUse, Value
from shared.postgres.catalog import Column, Table
from shared.postgres.identifiers import Identifier

JSON_MAKERS = frozenset({"rest", "json_or_raw", "json_strict"})
"""Functions whose result is JSON that jsonb takes, by its making."""
COPIED_KINDS = frozenset("bdarm")
"""Kinds of types whose values are copied as they are between columns of the same type; an enum's labels may differ."""


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """One target column on its way: its value with its own type, and what may be wrong with it."""

    expression: ColumnExpression
    column: Column
    encoder: Encoder
    value: str
    layer: int
    flags: tuple[tuple[str, str], ...]
    used: tuple[str, ...]
    hashed: bool = False
    own_key: bool = False
    text_already: bool = False
    holds_rest: bool = False

    @property
    def name(self) -> str:
        """The target column's name."""
        return self.expression.column

    @property
    def failures(self) -> list[str]:
        """The flags that make the value unusable."""
        return [flag for reason, flag in self.flags if not reason.startswith((WARNING, NOTE))]


class TargetColumns:
    """Compiles the columns of one mapping."""

    def __init__(self, mapping: Mapping, target: Table, encoding: Encoding, rewriter: Rewriter, keys: KeyNames) -> None:
        self._mapping = mapping
        self._target = target
        self._encoding = encoding
        self._rewriter = rewriter
        self._layers = rewriter.layers
        self._keys = keys

    def not_null(self, name: str) -> bool:
        """Whether the target's column refuses NULL."""
        column = self._target.column(name)
        return column is not None and column.not_null

    def computed(self, column: ColumnExpression) -> Computed:
        """The column's value and its failures. Raises BadUse, BadExpression, duckdb.Error."""
        found = self._target.column(column.column)
        if found is None:
            raise BadUse(f"{column.column} is no column of {self._target.name}")
        encoder = encoder_of(found.type)
        expression = parsed(column.expression)
        if encoder.shape is Shape.UUID and self._keys.named(expression.tree) and not self._looked_into(column.column):
            return self._named(column, found, encoder, expression)
        failures = Failures()
        copied = self._copied(expression, found)
        if copied is not None and self._encoding is Encoding.CSV:
            return Computed(
                expression=column,
                column=found,
                encoder=encoder,
                value=str(Identifier(copied.name)),
                layer=0,
                flags=(),
                used=(copied.name,),
                text_already=True,
            )
        value = self._as_text_wanted(expression, encoder, failures) or self._rewriter.expression(expression, failures)
        result, checks, layer = self._last_cast(value, encoder, expression, exact=copied is not None)
        for reason, sql in checks:
            failures.add(reason, sql)
        self._layers.type_of(result)
        if column.invented:
            self._note_invented(expression, failures)
        return Computed(
            expression=column,
            column=found,
            encoder=encoder,
            value=result,
            layer=layer,
            flags=tuple(failures.flags),
            used=tuple(failures.used),
            holds_rest=_calls(expression, "rest"),
        )

    def _note_invented(self, expression: Expression, failures: Failures) -> None:
        """Count the rows for which the last operand of COALESCE, the invented one, is what is left."""
        before = last_resort(expression)
        if before is not None:
            known = self._rewriter.simple(self._rewriter.rewrite(before, Failures()), Failures())
            failures.add(f"{NOTE}{Brought.INVENTED}", f"{known.sql} IS NULL")

    def _named(self, column: ColumnExpression, found: Column, encoder: Encoder, expression: Expression) -> Computed:
        failures = Failures()
        value = self._keys.names(expression.tree, failures)
        own = is_key_call(expression.tree) and expression.tree["function_name"].lower() == "key"
        return Computed(
            expression=column,
            column=found,
            encoder=encoder,
            value=value.sql,
            layer=value.layer,
            flags=tuple(failures.flags),
            used=tuple(failures.used),
            hashed=True,
            own_key=own,
        )

    def _as_text_wanted(self, expression: Expression, encoder: Encoder, failures: Failures) -> Value | None:
        """A plain source column on its way into a text column: PostgreSQL's own text of it, not DuckDB's."""
        source = self._plain(expression)
        if source is None or encoder.shape not in (Shape.TEXT, Shape.PADDED, Shape.WIDE_NUMERIC, Shape.OTHER):
            return None
        if source.duck_type == "BOOLEAN":
            return None
        failures.use(source.name)
        return Value(node=column_node(source.name), layer=0)

    def _last_cast(
        self, value: Value, encoder: Encoder, expression: Expression, *, exact: bool
    ) -> tuple[str, Checks, int]:
        """The value cast for its encoder, what may be wrong with it, and the layer that it reads."""
        static = self._layers.type_of(value.sql)
        if is_null(value.node):
            return f"CAST(NULL AS {encoder.duck_type})", [], 0
        if exact and static == encoder.duck_type:
            result, checks, layer = value.sql, [], value.layer
        else:
            simple = self._rewriter.simple(value, Failures())
            cast = last_cast(encoder, static, simple.sql)
            result, layer = cast.sql, simple.layer
            if result != simple.sql:
                column = self._layers.add(result, layer, "w")
                result, layer = str(Identifier(column.name)), column.layer
            checks = cast.checks(result)
            if encoder.shape in (Shape.JSON, Shape.JSONB) and self._makes_json(expression):
                checks = []
            checks += fraction_checks(encoder, result)
        if self._encoding is Encoding.BINARY:
            checks += moment_checks(encoder, result)
        return result, checks, layer

    def _makes_json(self, expression: Expression) -> bool:
        """Whether the value is JSON that jsonb takes, by its making: nothing has to be looked at again."""
        source = self._plain(expression)
        if source is not None:
            return source.type_name == "jsonb"
        root = expression.tree
        return root["class"] == "FUNCTION" and root["function_name"].lower() in JSON_MAKERS

    def _plain(self, expression: Expression) -> SourceColumn | None:
        if expression.tree["class"] != "COLUMN_REF":
            return None
        return self._rewriter.source_column(expression.tree["column_names"])

    def _copied(self, expression: Expression, column: Column) -> SourceColumn | None:
        """The source column that is copied as it is, into a column of the same type."""
        source = self._plain(expression)
        kind = column.type.base_name if column.type.kind == "d" else column.type.name
        return (
            source
            if source is not None and column.type.kind in ("b", "d", "a", "r", "m") and source.type_name == kind
            else None
        )

    def _looked_into(self, column: str) -> bool:
        """Whether `keep` or a rule asks more of a column than whether it is there."""
        texts = [rule.check for rule in self._mapping.rules] + ([self._mapping.keep] if self._mapping.keep else [])
        return any(_looks_into(parsed(text).tree, column) for text in texts)


def take_apart(texts: Iterable[str]) -> None:
    """Ask in one go what `parsed` asks of each of many texts, and what their constants are."""
    trees = [expression.tree for expression in parse_all(texts).values()]
    parse_all(print_all(trees))
    type_all(print_all(node for tree in trees for node in walk(tree) if node["class"] == "CONSTANT"))


def parsed(text: Text) -> Expression:
    """The expression, once it is sure that what is regenerated from its tree means the same."""
    expression = parse(text.value)
    again = parse(print_sql(expression.tree))
    if not same_tree(again.tree, expression.tree):
        raise BadExpression("this expression cannot be taken apart and put together again; write it in another way")
    return expression


def _calls(expression: Expression, name: str) -> bool:
    return any(call.name.lower() == name for call in expression.calls())


def _looks_into(node: Node, column: str) -> bool:
    """Whether a condition uses a computed column for more than IS NULL."""
    if node["type"] in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL") and node["children"][0]["class"] == "COLUMN_REF":
        return False
    if node["class"] == "COLUMN_REF":
        return [name.lower() for name in node["column_names"]] == [column.lower()]
    return any(_looks_into(child, column) for child in children(node))
