"""One mapping held against itself: its clause, its expressions, and the columns that its options name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shared.plan.checks.accounts import check_accounts
from shared.plan.checks.calls import Calls
from shared.plan.checks.expressions import Scope, check_expression
from shared.plan.checks.placeholders import check_placeholders
from shared.plan.expressions import Expression
from shared.plan.follows import check_follows
from shared.plan.from_checks import aliases_of, from_faults, key_faults
from shared.plan.gone import check_gone
from shared.plan.kept_aside import REMEDY
from shared.plan.model import BadValue, Mapping, Plan, Text
from shared.plan.nodes import string_constant
from shared.plan.position import Position
from shared.plan.references import referred, root_calls
from shared.plan.report import Report
from shared.plan.thresholds import check_thresholds


def check_mapping(plan: Plan, mapping: Mapping, calls: Calls, report: Report) -> set[str]:
    """Note everything wrong with a mapping. Returns the code books that it uses."""
    aliases = check_source(plan, mapping, report)
    scope = Scope(aliases=aliases, is_column=True)
    after = Scope(aliases=aliases, computed=frozenset(column.column for column in mapping.columns))
    expressions = {
        column.column: check_expression(column.expression, scope, calls, report) for column in mapping.computed
    }
    later = [check_expression(text, after, calls, report) for text in checks_of(mapping)]
    check_key_column(mapping, expressions, report)
    check_follows(mapping, report)
    check_rest(mapping, expressions, report)
    check_named_columns(mapping, report)
    check_placeholders(plan, mapping, report)
    check_accounts(plan, mapping, report)
    check_gone(mapping, report)
    check_thresholds(mapping, report)
    return {name for expression in (*expressions.values(), *later) if expression for name in codebooks_of(expression)}


def check_source(plan: Plan, mapping: Mapping, report: Report) -> frozenset[str] | None:
    """The FROM clause and the key. Returns the aliases, None if they cannot be read."""
    allowed = frozenset(name.lower() for name in (*plan.functions, *mapping.functions))
    for fault in from_faults(mapping.from_.value, plan.source_schema, allowed):
        report.problem_in(mapping.from_, fault.offset, fault.message)
    aliases = aliases_of(mapping.from_.value, plan.source_schema)
    for part in mapping.key if aliases is not None else ():
        for fault in key_faults(part.value, aliases or frozenset(), allowed):
            report.problem_in(part, fault.offset, fault.message)
    return aliases


def checks_of(mapping: Mapping) -> Iterator[Text]:
    """The expressions that run after the columns."""
    if mapping.keep is not None:
        yield mapping.keep
    yield from (rule.check for rule in mapping.rules)


def codebooks_of(expression: Expression) -> Iterator[str]:
    """The code books that an expression looks into."""
    for call in expression.calls():
        if call.name.lower() == "codebook" and call.arguments:
            name = string_constant(call.arguments[0])
            if name is not None:
                yield name


def check_key_column(mapping: Mapping, expressions: dict[str, Expression | None], report: Report) -> None:
    """Exactly one column is the row's own key."""
    holding = [
        name for name, expression in expressions.items() if expression and any(root_calls(expression.tree, "key"))
    ]
    if len(holding) != 1 and None not in expressions.values():
        report.problem(mapping.position, f"mapping {mapping.name!r} needs exactly one column that is key()")


def check_rest(mapping: Mapping, expressions: dict[str, Expression | None], report: Report) -> None:
    """At most one column holds rest(), and keep_aside needs it."""
    holding = [
        name
        for name, expression in expressions.items()
        if expression and any(call.name.lower() == "rest" for call in expression.calls())
    ]
    for column in mapping.columns:
        if column.column in holding[1:]:
            report.problem(column.expression.position, "rest() is there already: one column holds it")
    aside = [name for name, fate in mapping.bad_value.items() if fate is BadValue.KEEP_ASIDE]
    if aside and not holding and None not in expressions.values():
        message = f"keep_aside of {aside[0]!r} needs a column with rest(), where the original is kept: {REMEDY}"
        report.problem(mapping.position, message)


def check_named_columns(mapping: Mapping, report: Report) -> None:
    """Options must name columns of the mapping; the fate of a missing parent, columns that hold a ref()."""
    columns = [column.column for column in mapping.columns]
    followed = {column.column for column in mapping.follows}
    references = referred(mapping)
    for what, name, written in named_columns(mapping):
        unknown = name not in columns
        position = report.place_of_entry(mapping.position, what, name) if unknown and what == "bad_value" else written
        if what in ("missing_parent", "required") and name in followed:
            continue
        if unknown:
            message = f"{what} names {name!r}, which is no column of mapping {mapping.name!r}"
            report.problem(position, message, wrong=name, known=columns)
        elif what == "missing_parent" and name not in references:
            report.problem(position, f"column {name!r} holds no ref() at its root, so that no parent can be missing")
    repeated = [name for name, count in Counter(text.value for text in mapping.required).items() if count > 1]
    for text in mapping.required:
        if text.value in repeated:
            report.warning(text.position, f"{text.value!r} is required twice")


def named_columns(mapping: Mapping) -> Iterator[tuple[str, str, Position]]:
    """Every place where an option names a column."""
    for column, policy in mapping.missing_parent.items():
        yield "missing_parent", column, policy.position
    for column in mapping.bad_value:
        yield "bad_value", column, mapping.position
    for what, texts in (
        ("required", mapping.required),
        ("clear", mapping.clear),
        ("proof", mapping.proof_sums),
        ("unique", mapping.unique_checked),
    ):
        for text in texts:
            yield what, text.value, text.position
