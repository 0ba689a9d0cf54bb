"""Placeholders: the one row of a mapping that stands for parents which are not there, when a plan asks for it.

It has a key of its own, which no row of the source can have, and says of itself that it is one. It is no row of the
source: it is made in the transaction of the first batch that needs it, and no balance counts it.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as ReadOnly

import duckdb
import msgspec

from shared.plan.compiled import PlaceholderRow
from shared.plan.encoders import Shape, encoder_of
from shared.plan.failures import any_of
from shared.plan.last_cast import last_cast
from shared.plan.model import Mapping, MissingParent, Placeholder, Plan, Text
from shared.plan.references import holding, key_column, referred
from shared.plan.report import Report
from shared.plan.scratch import holds
from shared.postgres.catalog import Column, Table
from shared.postgres.identifiers import TableName, literal

PLACEHOLDER = "placeholder"
MARK = '{"placeholder": true}'
"""What stands where the mapping packs the rest."""


class WithoutParent(msgspec.Struct, frozen=True, kw_only=True):
    """What a column holds where its row names no parent: the key of a placeholder, by the name it is hashed from."""

    key_name: str

    def sql(self, shape: Shape, *, hashed: bool) -> str:
        """SQL of it: the name alone where it is hashed behind DuckDB, else the UUID as what its column takes."""
        if hashed:
            return literal(self.key_name)
        uuid = f"key_uuid({literal(self.key_name)})"
        return uuid if shape is Shape.UUID else f"CAST({uuid} AS VARCHAR)"


def without_parents(plan: Plan, mapping: Mapping) -> dict[str, WithoutParent]:
    """By column what rows refer to that name no parent at all, where the plan wants that."""
    references = referred(mapping)
    return {
        column: WithoutParent(key_name=placeholder_key_name(plan.mapping(references[column][0]).key_domain))
        for column, policy in mapping.missing_parent.items()
        if policy.without is MissingParent.PLACEHOLDER and column in references
    }


def placeholder_key_name(key_domain: str) -> str:
    r"""The name that is hashed to the key of a mapping's placeholder.

    In the text of a key a backslash stands before another one or a `|`, so that no row of the source has this name.
    """
    return f"{key_domain}:\\{PLACEHOLDER}"


def check_placeholder_rows(plan: Plan, tables: ReadOnly[str, Table | None], report: Report) -> None:
    """Note every placeholder that its table would not take."""
    for mapping in plan.mappings:
        table = tables.get(mapping.name)
        if mapping.placeholder is not None and table is not None:
            check_row(mapping, mapping.placeholder, table, report)


def check_row(mapping: Mapping, placeholder: Placeholder, table: Table, report: Report) -> None:
    """One placeholder held against its table."""
    required = {text.value for text in mapping.required}
    given = {key_column(mapping), *holding(mapping, "rest"), *placeholder.columns}
    for column in table.columns:
        has_value = column.has_default or column.generated or column.identity
        if column.name not in given and (column.name in required or (column.not_null and not has_value)):
            message = f"the placeholder of {mapping.name!r} needs a value for {column.name!r}, which must have one"
            report.problem(placeholder.position, message)
    for name, value in placeholder.columns.items():
        known = table.column(name)
        if known is None or known.generated:
            message = f"table {table.name} has no column {name!r} to write"
            report.problem(value.position, message, wrong=name, known=[column.name for column in table.columns])
        elif not fits(known, value):
            report.problem(value.position, f"this is no value for {name!r} of {table.name}, which is {known.type.name}")
    if not any(key.columns == (key_column(mapping),) and not key.partial for key in table.keys):
        message = f"a placeholder is there once: {table.name} needs a unique key on {key_column(mapping)!r}"
        report.problem(placeholder.position, message)


def fits(column: Column, value: Text) -> bool:
    """Whether a text is a value of a column, as far as it can be told without the target."""
    encoder = encoder_of(column.type)
    cast = last_cast(encoder, "VARCHAR", literal(value.value))
    try:
        return holds(f"x is not null and not {any_of([sql for _, sql in cast.checks('x')])}", cast.sql)
    except duckdb.Error:
        return False


def placeholder_rows(
    plan: Plan, mapping: Mapping, columns: Collection[str], tables: ReadOnly[str, Table | None]
) -> tuple[PlaceholderRow, ...]:
    """The placeholders that some columns of a mapping may refer to."""
    found: dict[str, PlaceholderRow] = {}
    for column, names in referred(mapping).items():
        policy = mapping.missing_parent.get(column)
        if column not in columns or policy is None or MissingParent.PLACEHOLDER not in policy.fates:
            continue
        for parent in (plan.mapping(name) for name in names):
            table = tables.get(parent.name)
            if parent.placeholder is not None and table is not None:
                found[parent.name] = placeholder_row(plan, parent, parent.placeholder, table)
    return tuple(found[name] for name in sorted(found))


def placeholder_row(plan: Plan, parent: Mapping, placeholder: Placeholder, table: Table) -> PlaceholderRow:
    """What is inserted: what the plan says, the mark, and NULL in every other column that the mapping fills."""
    values: dict[str, str | None] = {column: text.value for column, text in placeholder.columns.items()}
    values |= dict.fromkeys(holding(parent, "rest"), MARK)
    for column in parent.columns:
        known = table.column(column.column)
        if known is not None and not known.not_null and column.column != key_column(parent):
            values.setdefault(column.column, None)
    return PlaceholderRow(
        mapping=parent.name,
        table=TableName(schema=plan.target_schema, name=parent.into.value),
        key_column=key_column(parent),
        key_name=placeholder_key_name(parent.key_domain),
        columns=tuple(values),
        values=tuple(values.values()),
    )
