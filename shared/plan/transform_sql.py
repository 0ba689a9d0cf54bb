"""One mapping's columns, `keep` and rules as one DuckDB statement over a batch.

The statement reads the table `source` (`k0`, `k1`, ..., `c0`, `c1`, ..., all VARCHAR, as COPY wrote them) and gives a
row for each of its rows, in their order, with the columns:

- `v0`, `v1`, ...: the target columns in the order of `TransformProgram.target_columns`, of exactly their encoder's type
  (text, all of them, where the mapping travels as CSV); those in `TransformProgram.hashed` hold names of keys instead.
  A column that is the row's own key has the encoder `key` and no column here;
- `name`: the name of the row's own key, `legacy`: the same without its domain;
- `kept`: what `keep` says, where `TransformProgram.filters`;
- `f0`, `f1`, ...: one boolean for each of `TransformProgram.checks`; NULL is no failure.
"""

from __future__ import annotations

import duckdb
import msgspec

from shared.core.states import Encoding
from shared.plan.accounts import with_policy
from shared.plan.calls import Calls
from shared.plan.compiled import (
    PLACEHOLDER_PARENT,
    CheckEffect,
    RowCheck,
    SourceColumn,
    SourceProgram,
    TargetColumn,
    TransformProgram,
)
from shared.plan.encoders import Shape, encoding_of
from shared.plan.expressions import BadExpression
from shared.plan.failures import NOTE, WARNING, Failures, any_of, either
from shared.plan.kept_aside import holder_problems, kept_aside, nulled_columns, with_rejected
from shared.plan.key_names import KeyNames
from shared.plan.keys import KeySignature
from shared.plan.last_cast import text_of
from shared.plan.layers import Layers
from shared.plan.model import ColumnExpression, Mapping, Plan, RuleElse, Text
from shared.plan.packing import packed_columns
from shared.plan.placeholders import WithoutParent, without_parents
from shared.plan.position import PlanRefused, Problem
from shared.plan.references import key_column
from shared.plan.rewrite import Rewriter
from shared.plan.target_columns import Computed, TargetColumns, parsed
from shared.plan.values import BadUse
from shared.postgres.catalog import Table
from shared.postgres.identifiers import Identifier

KEEP = "keep"
"""What a reason of `keep` names instead of a column."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a mapping a program is for.

    `whole` is the mapping as the plan has it, which says what `rest()` packs. Columns that are `unwritten` are computed
    and checked, and no part of the result. The `second` pass warns of nothing and keeps nothing aside, for the first
    one has.
    """

    whole: Mapping
    unwritten: frozenset[str] = frozenset()
    second: bool = False


def compile_transform(
    plan: Plan,
    mapping: Mapping,
    source: SourceProgram,
    aliases: dict[str, dict[str, SourceColumn]],
    target: Table,
    parents: dict[str, KeySignature],
    share: Share | None = None,
) -> TransformProgram:
    """The program of one mapping, or of a `share` of it.

    `aliases` are the columns that are read, by alias; `parents` the signatures of all mappings of the plan by name, its
    own included. Raises PlanRefused with every expression that DuckDB does not bind, each at its place.
    """
    share = Share(whole=mapping) if share is None else share
    names = [part.name for part in source.key] + [column.name for column in source.columns]
    rewriter = Rewriter(Layers(names), aliases)
    keys = KeyNames(rewriter, parents[mapping.name], source, parents)
    packed = packed_columns(share.whole, aliases)
    calls = Calls(rewriter, plan.codebooks, driving=source.driving.name, packed=packed)
    rewriter.calls = {"key": keys.uuid, "": calls.value}
    placed = without_parents(plan, mapping)
    return _Compilation(mapping, source, target, rewriter, keys, calls, share, placed).program()


class _Compilation:
    def __init__(
        self,
        mapping: Mapping,
        source: SourceProgram,
        target: Table,
        rewriter: Rewriter,
        keys: KeyNames,
        calls: Calls,
        share: Share,
        placed: dict[str, WithoutParent],
    ) -> None:
        self.share = share
        self.placed = placed
        self.mapping = mapping
        self.source = source
        self.rewriter = rewriter
        self.keys = keys
        self.calls = calls
        self.layers = rewriter.layers
        self.problems: list[Problem] = []
        self.bound: list[tuple[Text, str]] = []
        self.checks: dict[tuple[str, str, CheckEffect], list[str]] = {}
        written = [target.column(column.column) for column in mapping.columns if column.column not in share.unwritten]
        self.encoding = encoding_of(tuple(column for column in written if column is not None))
        self.columns = TargetColumns(mapping, target, self.encoding, rewriter, keys)

    def program(self) -> TransformProgram:
        columns = [computed for column in self.mapping.columns if (computed := self._computed(column))]
        outputs, targets, hashed = self._results(columns) if not self.problems else ([], [], [])
        outputs += [(self.keys.name_sql, "name"), (self.keys.legacy_sql, "legacy")]
        if self.mapping.keep is not None:
            outputs.append((self._keep(self.mapping.keep), "kept"))
        self._rules()
        self._unreadable()
        if self.keys.out_of_range_sql:
            self._check("key_out_of_range", key_column(self.mapping), CheckEffect.REFUSE, self.keys.out_of_range_sql)
        if self.problems:
            raise PlanRefused([*self._failing(), *self.problems])
        checks = tuple(
            RowCheck(result=f"f{number}", reason=reason, column=column, effect=effect)
            for number, (reason, column, effect) in enumerate(self.checks)
        )
        flags = zip(checks, self.checks.values(), strict=True)
        outputs += [(either(flagged), check.result) for check, flagged in flags]
        statement = self.layers.select(outputs)
        self._try_out(statement)
        return TransformProgram(
            setup=(),
            statement=statement,
            hashed=tuple(hashed),
            checks=checks,
            filters=self.mapping.keep is not None,
            key_statement=f"select {self.keys.name_sql} as name, {self.keys.legacy_sql} as legacy from source",  # noqa: S608 - quoted names
            packed=self.calls.packed,
            target_columns=tuple(targets),
            encoding=self.encoding,
            parameters=tuple(sorted(self.rewriter.parameters)),
            details={"encoding": self.encoding.value, "layers": str(self.layers.depth)},
        )

    def _computed(self, column: ColumnExpression) -> Computed | None:
        try:
            computed = with_policy(self.columns.computed(column), self.mapping)
        except (BadUse, BadExpression, duckdb.Error) as error:
            self._problem(column.expression, error)
            return None
        self.bound.append((column.expression, computed.value))
        return computed

    def _results(self, columns: list[Computed]) -> tuple[list[tuple[str, str]], list[TargetColumn], list[str]]:
        """Results, target columns and those that are hashed; `keep` and rules may use computed columns from now on."""
        nulled = nulled_columns(
            self.mapping, columns, frozenset(filter(self._required, (column.name for column in columns)))
        )
        aside = kept_aside(self.mapping, nulled)
        holder = None if self.share.second else next((column for column in columns if column.holds_rest), None)
        if not self.share.second:
            self.problems += holder_problems(holder, aside, self.calls.packed)
        self.layers.raise_floor()
        failed = {
            name: str(Identifier(self.layers.add(any_of(column.failures), 0, kind="BOOLEAN").name))
            for name, column in nulled.items()
        }
        self.layers.raise_floor()
        outputs: list[tuple[str, str]] = []
        targets: list[TargetColumn] = []
        hashed: list[str] = []
        for column in columns:
            value = (
                f"CASE WHEN {failed[column.name]} THEN NULL ELSE {column.value} END"
                if column.name in nulled
                else column.value
            )
            placed = self.placed.get(column.name)
            if placed is not None:
                value = self._placed(column, value, placed)
            holds = column is holder and bool(aside)
            if holds:
                value = with_rejected(value, aside, failed, self.source.columns)
            known = self.layers.add(value, 0, "w", self.layers.type_of(column.value))
            self.rewriter.computed[column.name] = known
            self._column_checks(column, str(Identifier(known.name)), nulled=column.name in nulled, holds=holds)
            if column.name in self.share.unwritten:
                continue
            number = len(targets)
            targets.append(_target(column))
            if column.hashed and not column.own_key:
                hashed.append(f"v{number}")
            if not column.own_key:
                outputs.append((self._output(column, str(Identifier(known.name))), f"v{number}"))
        return outputs, targets, hashed

    def _placed(self, column: Computed, value: str, placed: WithoutParent) -> str:
        """The reference, or one to the placeholder where the row names no parent and nothing else is wrong with it."""
        missing = f"{column.value} IS NULL AND NOT {any_of(column.failures)}"
        self._check(PLACEHOLDER_PARENT, column.name, CheckEffect.WARN, missing)
        if not column.hashed:
            self.rewriter.parameters.add("namespace")
        turned = placed.sql(column.encoder.shape, hashed=column.hashed)
        return f"CASE WHEN {missing} THEN {turned} ELSE {value} END"

    def _output(self, column: Computed, value: str) -> str:
        if column.hashed or column.text_already:
            return value
        if self.encoding is Encoding.CSV:
            return text_of(column.encoder.duck_type, value)
        return f"uuid_bytes({value})" if column.encoder.shape is Shape.UUID else value

    def _required(self, name: str) -> bool:
        return self.columns.not_null(name) or any(text.value == name for text in self.mapping.required)

    def _column_checks(self, column: Computed, value: str, *, nulled: bool, holds: bool) -> None:
        for reason, flag in column.flags:
            self._check(*_effect(reason, column.name, nulled=nulled), flag)
        if holds:
            lost = f"{value} IS NULL AND {column.value} IS NOT NULL"
            self._check("rejected_has_no_place", column.name, CheckEffect.REFUSE, lost)
        if self._required(column.name) and not column.own_key:
            missing = f"{value} IS NULL AND NOT {any_of(column.failures)}"
            self._check("required", column.name, CheckEffect.REFUSE, missing)

    def _check(self, reason: str, column: str, effect: CheckEffect, flag: str) -> None:
        if self.share.second and effect is not CheckEffect.REFUSE:
            return
        flags = self.checks.setdefault((reason, column, effect), [])
        if flag not in flags:
            flags.append(flag)

    def _keep(self, keep: Text) -> str:
        failures = Failures()
        verdict = self._condition(keep, failures)
        failed = any_of(self._condition_checks(failures, KEEP, CheckEffect.REFUSE))
        self._check("undecided", KEEP, CheckEffect.REFUSE, f"{verdict} IS NULL AND NOT {failed}")
        return verdict

    def _rules(self) -> None:
        for rule in self.mapping.rules:
            failures = Failures()
            verdict = self._condition(rule.check, failures)
            effect = CheckEffect.WARN if rule.otherwise is RuleElse.WARN else CheckEffect.REFUSE
            self._condition_checks(failures, rule.name, effect)
            self._check("rule", rule.name, effect, f"{verdict} IS NOT DISTINCT FROM false")

    def _condition_checks(self, failures: Failures, name: str, usual: CheckEffect) -> list[str]:
        """Note what may go wrong with a condition; the flags of what leaves it without an answer."""
        unanswered = []
        for reason, flag in failures.flags:
            code, _, effect = _effect(reason, name, nulled=False)
            if effect is CheckEffect.REFUSE:
                unanswered.append(flag)
            if effect is not CheckEffect.NOTE:
                self._check(code, name, usual if effect is CheckEffect.REFUSE else effect, flag)
        return unanswered

    def _condition(self, text: Text, failures: Failures) -> str:
        """A condition as a hidden column; a problem makes it `true`."""
        try:
            value = self.rewriter.simple(self.rewriter.rewrite(parsed(text).tree, failures), failures)
            kind = self.layers.type_of(value.sql)
        except (BadUse, BadExpression, duckdb.Error) as error:
            self._problem(text, error)
            return "true"
        if kind != "BOOLEAN" and value.node["class"] != "CONSTANT":
            self._problem(text, BadUse("a condition must be true, false or NULL"))
        self.bound.append((text, value.sql))
        return value.sql

    def _unreadable(self) -> None:
        """PostgreSQL cannot have written a text that these types do not read; if it did, the row waits."""
        for flag in self.rewriter.impossible.values():
            self._check("unreadable", "", CheckEffect.REFUSE, flag)

    def _try_out(self, statement: str) -> None:
        """Run everything at once; one by one only to say what it is that fails."""
        try:
            self.layers.try_out(statement)
        except duckdb.Error as error:
            whole = Problem(position=self.mapping.position, message=_first_line(error))
            raise PlanRefused(self._failing() or [whole]) from error

    def _failing(self) -> list[Problem]:
        """The expressions that bind, and fail when they run."""
        problems = []
        for text, sql in self.bound:
            try:
                self.layers.probe(sql)
            except duckdb.Error as error:
                problems.append(Problem(position=text.position, message=_first_line(error)))
        return problems

    def _problem(self, text: Text, error: Exception) -> None:
        self.problems.append(Problem(position=text.position, message=_first_line(error)))


def _effect(reason: str, column: str, *, nulled: bool) -> tuple[str, str, CheckEffect]:
    """A flag's reason without its prefix, its column, and what it does."""
    if reason.startswith(NOTE):
        return reason.removeprefix(NOTE), column, CheckEffect.NOTE
    warns = nulled or reason.startswith(WARNING)
    return reason.removeprefix(WARNING), column, CheckEffect.WARN if warns else CheckEffect.REFUSE


def _target(column: Computed) -> TargetColumn:
    kind = column.column.type
    return TargetColumn(
        name=column.name,
        type_name=kind.name,
        oid=kind.oid,
        encoder="key" if column.own_key else column.encoder.name,
        not_null=column.column.not_null,
    )


def _first_line(error: Exception) -> str:
    """What DuckDB or we say of the plan's own text: no row has been read, so it holds no value."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
