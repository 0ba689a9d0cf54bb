"""One mapping's columns, `keep` and rules as one DuckDB statement over a batch.

The statement reads the table `source` (`k0`, `k1`, ..., `c0`, `c1`, ..., all VARCHAR, as COPY wrote them) and gives a row for each of its rows, in
their order, with the columns:

- `v0`, `v1`, ...: the target columns in the order of `TransformProgram.target_columns`, of exactly their encoder's type (text, all of
  them, where the mapping travels as CSV); those in `TransformProgram.hashed` hold names of keys instead. A column that is the row's own key
  has the encoder `key` and no column here;
- `name`: the name of the row's own key, `legacy`: the same without its domain;
- `kept`: what `keep` says, where `TransformProgram.filters`;
- `f0`, `f1`, ...: one boolean for each of `TransformProgram.checks`; NULL is no failure.
"""

from __future__ import annotations

import json

import duckdb
import msgspec

from shared.core.states import Encoding
from shared.plan.compiled import CheckEffect, RowCheck, SourceColumn, SourceProgram, TargetColumn, TransformProgram
from shared.plan.encoders import Encoder, Shape, encoder_of, encoding_of
from shared.plan.expressions import BadExpression, Expression, Node, parse, print_sql
from shared.plan.failures import Failures, any_of, either
from shared.plan.key_names import KeyNames, is_key_call
from shared.plan.keys import KeySignature
from shared.plan.last_cast import fraction_checks, last_cast, moment_checks, text_of
from shared.plan.layers import Layers
from shared.plan.model import BadValue, ColumnExpression, Mapping, Plan, RuleElse, Text
from shared.plan.position import PlanRefused, Position, Problem
from shared.plan.rewrite import BadUse, Rewriter, Value, column_node, without_places
from shared.plan.safety import children
from shared.postgres.catalog import Column as TargetTableColumn
from shared.postgres.catalog import Table
from shared.postgres.identifiers import Identifier, literal

WARNING = "warn:"
"""Prefix of a failure that only warns."""
REJECTED = "rejected"
"""Where values that are kept aside go, in the object that `rest()` makes."""
JSON_MAKERS = frozenset({"rest", "json_or_raw", "json_strict", "json_object", "json_merge_patch", "json_array"})


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """One target column on its way: its value with its own type, and what may be wrong with it."""

    expression: ColumnExpression
    column: TargetTableColumn
    encoder: Encoder
    value: str
    layer: int
    flags: tuple[tuple[str, str], ...]
    used: tuple[str, ...]
    hashed: bool = False
    own_key: bool = False
    text_already: bool = False
    holds_rest: bool = False


def compile_transform(
    plan: Plan,
    mapping: Mapping,
    source: SourceProgram,
    aliases: dict[str, dict[str, SourceColumn]],
    target: Table,
    parents: dict[str, KeySignature],
) -> TransformProgram:
    """The program of one mapping.

    `parents` holds the signature of every mapping of the plan by name, its own included. Raises PlanRefused with every expression that
    DuckDB does not bind, each at its place.
    """
    names = [part.name for part in source.key] + [column.name for column in source.columns]
    with Layers(names) as layers:
        rewriter = Rewriter(layers, aliases, plan.codebooks, driving=source.driving.name)
        rewriter.keys = KeyNames(rewriter, parents[mapping.name], source, parents)
        rewriter.rest_excluded = _used_elsewhere(mapping, aliases)
        return _Compilation(plan, mapping, source, target, rewriter, rewriter.keys).program()


class _Compilation:
    def __init__(
        self, plan: Plan, mapping: Mapping, source: SourceProgram, target: Table, rewriter: Rewriter, keys: KeyNames
    ) -> None:
        self.plan = plan
        self.mapping = mapping
        self.source = source
        self.target = target
        self.rewriter = rewriter
        self.keys = keys
        self.layers = rewriter.layers
        self.problems: list[Problem] = []
        self.checks: dict[tuple[str, str, CheckEffect], list[str]] = {}
        columns = tuple(filter(None, (target.column(column.column) for column in mapping.columns)))
        self.encoding = encoding_of(columns)

    def program(self) -> TransformProgram:
        columns = [computed for column in self.mapping.columns if (computed := self._guarded_column(column))]
        if self.problems:
            raise PlanRefused(self.problems)
        outputs, targets, hashed = self._columns(columns)
        outputs += [(self.keys.name_sql, "name"), (self.keys.legacy_sql, "legacy")]
        if self.mapping.keep is not None:
            outputs.append((self._keep(self.mapping.keep), "kept"))
        self._rules()
        self._unreadable()
        if self.problems:
            raise PlanRefused(self.problems)
        checks = tuple(
            RowCheck(result=f"f{number}", reason=reason, column=column, effect=effect)
            for number, (reason, column, effect) in enumerate(self.checks)
        )
        outputs += [(either(flags), check.result) for check, flags in zip(checks, self.checks.values(), strict=True)]
        statement = self.layers.select(outputs)
        self._try_out(statement)
        return TransformProgram(
            setup=(),
            statement=statement,
            hashed=hashed,
            checks=checks,
            filters=self.mapping.keep is not None,
            key_statement=f"select {self.keys.name_sql} as name, {self.keys.legacy_sql} as legacy from source",  # noqa: S608 - composed of quoted names
            packed=self.rewriter.rest_names,
            target_columns=targets,
            encoding=self.encoding,
            parameters=tuple(sorted(self.rewriter.parameters)),
            details={"encoding": self.encoding.value, "layers": str(self.layers.depth)},
        )

    # Target columns

    def _guarded_column(self, column: ColumnExpression) -> Computed | None:
        try:
            return self._column(column)
        except (BadUse, BadExpression, duckdb.Error) as error:
            self._problem(column.expression, error)
            return None

    def _column(self, column: ColumnExpression) -> Computed:
        found = self.target.column(column.column)
        if found is None:
            raise BadUse(f"{column.column} is no column of {self.target.name}")
        encoder = encoder_of(found.type)
        expression = _parsed(column.expression)
        if encoder.shape is Shape.UUID and self.keys.named(expression.tree) and not self._looked_into(column.column):
            return self._named(column, found, encoder, expression)
        failures = Failures()
        copied = self._copied(expression, found)
        if copied is not None and self.encoding is Encoding.CSV:
            return Computed(
                expression=column, column=found, encoder=encoder, value=str(Identifier(copied.name)), layer=0,
                flags=(), used=(copied.name,), text_already=True,
            )  # fmt: skip
        value = self._as_text_wanted(expression, encoder, failures) or self.rewriter.expression(expression, failures)
        result, checks, layer = self._last_cast(value, encoder, expression, exact=copied is not None)
        for reason, sql in checks:
            failures.add(reason, sql)
        self.layers.probe(result)
        return Computed(
            expression=column, column=found, encoder=encoder, value=result, layer=layer, flags=tuple(failures.flags),
            used=tuple(failures.used), holds_rest=_calls(expression, "rest"),
        )  # fmt: skip

    def _named(
        self, column: ColumnExpression, found: TargetTableColumn, encoder: Encoder, expression: Expression
    ) -> Computed:
        failures = Failures()
        value = self.keys.names(expression.tree, failures)
        own = is_key_call(expression.tree) and expression.tree["function_name"].lower() == "key"
        return Computed(
            expression=column, column=found, encoder=encoder, value=value.sql, layer=value.layer, flags=tuple(failures.flags),
            used=tuple(failures.used), hashed=True, own_key=own,
        )  # fmt: skip

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
    ) -> tuple[str, list[tuple[str, str]], int]:
        """The value cast for its encoder, what may be wrong with it, and the layer that it reads."""
        static = self.layers.type_of(value.sql)
        if (
            static == "INTEGER"
            and value.node["class"] == "CONSTANT"
            and value.node["literal"]["kind"].startswith("NULL")
        ):
            return f"CAST(NULL AS {encoder.duck_type})", [], 0
        if exact and static == encoder.duck_type:
            result, checks, layer = value.sql, [], value.layer
        else:
            simple = self.rewriter.simple(value, Failures())
            cast = last_cast(encoder, static, simple.sql)
            result, layer = cast.sql, simple.layer
            if result != simple.sql:
                column = self.layers.add(result, layer, "w")
                result, layer = str(Identifier(column.name)), column.layer
            checks = cast.checks(result)
            if encoder.shape in (Shape.JSON, Shape.JSONB) and self._makes_json(expression):
                checks = []
            checks += fraction_checks(encoder, result)
        if self.encoding is Encoding.BINARY:
            checks += moment_checks(encoder, result)
        return result, checks, layer

    def _makes_json(self, expression: Expression) -> bool:
        """Whether the value is JSON that jsonb takes, by its making: nothing has to be looked at again."""
        source = self._plain(expression)
        if source is not None:
            return source.type_name == "jsonb"
        root = expression.tree
        if root["class"] != "FUNCTION" or root["function_name"].lower() not in JSON_MAKERS:
            return False
        if root["function_name"].lower() == "json_merge_patch":
            return all(
                self._makes_json(Expression(text="", tree=argument["expression"])) for argument in root["arguments"]
            )
        return True

    def _plain(self, expression: Expression) -> SourceColumn | None:
        if expression.tree["class"] != "COLUMN_REF":
            return None
        return self.rewriter.source_column(expression.tree["column_names"])

    def _copied(self, expression: Expression, column: TargetTableColumn) -> SourceColumn | None:
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
        texts = [rule.check for rule in self.mapping.rules] + ([self.mapping.keep] if self.mapping.keep else [])
        return any(_looks_into(_parsed(text).tree, column) for text in texts)

    # From values to results

    def _columns(
        self, columns: list[Computed]
    ) -> tuple[list[tuple[str, str]], tuple[TargetColumn, ...], tuple[str, ...]]:
        """Results, target columns and those that are hashed; afterwards `keep` and rules may use the computed columns."""
        aside = {column.expression.column: column for column in columns if self._kept_aside(column)}
        holder = self._holder(columns, aside)
        self.layers.raise_floor()
        failed = {
            name: str(Identifier(self.layers.add(any_of([flag for _, flag in _hard(column)]), 0).name))
            for name, column in aside.items()
        }
        self.layers.raise_floor()
        outputs: list[tuple[str, str]] = []
        targets: list[TargetColumn] = []
        hashed: list[str] = []
        for number, column in enumerate(columns):
            name = column.expression.column
            value = column.value
            if name in aside:
                value = f"CASE WHEN {failed[name]} THEN NULL ELSE {value} END"
            if column is holder and aside:
                value = self._with_rejected(value, aside, failed)
            known = self.layers.add(value, 0, "w")
            self.rewriter.computed[name] = known
            self._column_checks(
                column, str(Identifier(known.name)), aside=name in aside, splices=column is holder and bool(aside)
            )
            if column.own_key:
                targets.append(self._target(column, "key"))
                continue
            targets.append(self._target(column, column.encoder.name))
            if column.hashed:
                hashed.append(f"v{number}")
            outputs.append((self._output(column, str(Identifier(known.name))), f"v{number}"))
        return outputs, tuple(targets), tuple(hashed)

    def _target(self, column: Computed, encoder: str) -> TargetColumn:
        kind = column.column.type
        return TargetColumn(
            name=column.expression.column,
            type_name=kind.name,
            oid=kind.oid,
            encoder=encoder,
            not_null=column.column.not_null,
        )

    def _output(self, column: Computed, value: str) -> str:
        if column.hashed or column.text_already:
            return value
        if self.encoding is Encoding.CSV:
            return text_of(column.encoder.duck_type, value)
        return f"uuid_bytes({value})" if column.encoder.shape is Shape.UUID else value

    def _kept_aside(self, column: Computed) -> bool:
        name = column.expression.column
        return (
            self.mapping.bad_value.get(name) is BadValue.KEEP_ASIDE
            and not self._required(column)
            and bool(_hard(column))
        )

    def _required(self, column: Computed) -> bool:
        return column.column.not_null or any(text.value == column.expression.column for text in self.mapping.required)

    def _holder(self, columns: list[Computed], aside: dict[str, Computed]) -> Computed | None:
        """The column that keeps what was kept aside: the one that holds `rest()`."""
        holder = next((column for column in columns if column.holds_rest), None)
        if not aside:
            return holder
        position = next(column.expression.expression.position for column in aside.values())
        if holder is None:
            self._say(
                position, "keep_aside needs a column with rest(), which keeps the original values under `rejected`"
            )
        elif holder.expression.column in aside:
            self._say(holder.expression.expression.position, "the column that holds rest() cannot itself be kept aside")
        elif REJECTED in self.rewriter.rest_names:
            self._say(
                holder.expression.expression.position,
                "rest() packs a column named `rejected`, the place of values kept aside; rename it",
            )
        return holder

    def _with_rejected(self, value: str, aside: dict[str, Computed], failed: dict[str, str]) -> str:
        """The holder's JSON with the originals of what was kept aside, made only for rows that have any."""
        members = [
            f"CASE WHEN {failed[name]} THEN {literal(json.dumps(name, ensure_ascii=False) + ':')} || {self._original(column.used)} END"
            for name, column in aside.items()
        ]
        rejected = f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"
        return f"CASE WHEN {any_of(list(failed.values()))} THEN with_rejected({value}, {rejected}) ELSE {value} END"

    def _original(self, used: tuple[str, ...]) -> str:
        """The original texts of a column's sources, as JSON."""
        columns = [column for column in self.source.columns if column.name in used]
        if len(columns) == 1:
            return f"CAST(coalesce(to_json({Identifier(columns[0].name)}), 'null') AS VARCHAR)"
        pairs = ", ".join(f"{literal(column.column)}, {Identifier(column.name)}" for column in columns)
        return f"CAST(json_object({pairs}) AS VARCHAR)"

    def _column_checks(self, column: Computed, value: str, *, aside: bool, splices: bool) -> None:
        name = column.expression.column
        for reason, flag in column.flags:
            warns = aside or reason.startswith(WARNING)
            self._check(reason.removeprefix(WARNING), name, CheckEffect.WARN if warns else CheckEffect.REFUSE, flag)
        if splices:
            self._check(
                "rejected_has_no_place", name, CheckEffect.REFUSE, f"{value} IS NULL AND {column.value} IS NOT NULL"
            )
        if self._required(column) and not column.own_key:
            failed = any_of([flag for _, flag in _hard(column)])
            self._check("required", name, CheckEffect.REFUSE, f"{value} IS NULL AND NOT {failed}")

    def _check(self, reason: str, column: str, effect: CheckEffect, flag: str) -> None:
        flags = self.checks.setdefault((reason, column, effect), [])
        if flag not in flags:
            flags.append(flag)

    # keep, rules, and what cannot happen

    def _keep(self, keep: Text) -> str:
        failures = Failures()
        verdict = self._condition(keep, failures)
        for reason, flag in failures.flags:
            self._check(reason, "keep", CheckEffect.REFUSE, flag)
        failed = any_of([flag for _, flag in failures.flags])
        self._check("undecided", "keep", CheckEffect.REFUSE, f"{verdict} IS NULL AND NOT {failed}")
        return verdict

    def _rules(self) -> None:
        for rule in self.mapping.rules:
            failures = Failures()
            verdict = self._condition(rule.check, failures)
            effect = CheckEffect.WARN if rule.otherwise is RuleElse.WARN else CheckEffect.REFUSE
            for reason, flag in failures.flags:
                self._check(reason, rule.name, effect, flag)
            self._check("rule", rule.name, effect, f"{verdict} IS NOT DISTINCT FROM false")

    def _condition(self, text: Text, failures: Failures) -> str:
        try:
            value = self.rewriter.simple(self.rewriter.rewrite(_parsed(text).tree, failures), failures)
            if self.layers.probe(value.sql) != "BOOLEAN" and value.node["class"] != "CONSTANT":
                raise BadUse("a condition must be true, false or NULL")
        except (BadUse, BadExpression, duckdb.Error) as error:
            self._problem(text, error)
            return "true"
        return value.sql

    def _unreadable(self) -> None:
        """Values of types that DuckDB holds whole: PostgreSQL cannot have written one that does not read, and if it did the row waits."""
        for flag in self.rewriter.impossible.values():
            self._check("unreadable", "", CheckEffect.REFUSE, flag)

    # Problems

    def _try_out(self, statement: str) -> None:
        try:
            self.layers.try_out(statement)
        except duckdb.Error as error:
            raise PlanRefused([Problem(position=self.mapping.position, message=_first_line(error))]) from error

    def _problem(self, text: Text, error: Exception) -> None:
        self._say(text.position, _first_line(error))

    def _say(self, position: Position, message: str) -> None:
        self.problems.append(Problem(position=position, message=message))


def _hard(column: Computed) -> list[tuple[str, str]]:
    """The flags that make a value unusable."""
    return [(reason, flag) for reason, flag in column.flags if not reason.startswith(WARNING)]


def _parsed(text: Text) -> Expression:
    """The expression, once it is sure that what is regenerated from its tree means the same."""
    expression = parse(text.value)
    again = parse(print_sql(expression.tree))
    if without_places(again.tree) != without_places(expression.tree):
        raise BadExpression("this expression cannot be taken apart and put together again; write it in another way")
    return expression


def _calls(expression: Expression, name: str) -> bool:
    return any(call.name.lower() == name for call in expression.calls())


def _used_elsewhere(mapping: Mapping, aliases: dict[str, dict[str, SourceColumn]]) -> frozenset[str]:
    """`alias.column` of what any expression names: `rest()` packs the others."""
    texts = [column.expression for column in mapping.columns] + [rule.check for rule in mapping.rules]
    texts += [mapping.keep] if mapping.keep else []
    used = set()
    for text in texts:
        try:
            uses = parse(text.value).columns()
        except BadExpression:
            continue
        used |= {f"{use.alias}.{use.column}" for use in uses if use.alias}
    known = {f"{column.alias}.{column.column}" for columns in aliases.values() for column in columns.values()}
    lowered = {name.lower() for name in used}
    return frozenset(name for name in known if name in used or name.lower() in lowered)


def _looks_into(node: Node, column: str) -> bool:
    """Whether a condition uses a computed column for more than IS NULL."""
    if node["type"] in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL") and node["children"][0]["class"] == "COLUMN_REF":
        return False
    if node["class"] == "COLUMN_REF":
        return [name.lower() for name in node["column_names"]] == [column.lower()]
    return any(_looks_into(child, column) for child in children(node))


def _first_line(error: Exception) -> str:
    """What DuckDB or we say of the plan's own text: no row has been read, so it holds no value."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
