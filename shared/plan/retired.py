"""Retired columns held against the target: which of them are still there, and how their owner drops them."""

from __future__ import annotations

from shared.plan.compiled import RetiredColumn
from shared.plan.model import Plan
from shared.plan.report import Report
from shared.postgres.catalog import Catalog
from shared.postgres.identifiers import Identifier, TableName


def retired_columns(plan: Plan, target: Catalog, report: Report) -> tuple[RetiredColumn, ...]:
    """The retired columns of a plan. A table that the target has not goes to the report; a column may be gone."""
    found = []
    for one in plan.retired:
        table = target.tables.get(one.table)
        if table is None:
            message = f"there is no table {target.schema}.{one.table} in the target"
            report.problem(one.position, message, wrong=one.table, known=target.tables)
            continue
        name = TableName(schema=plan.target_schema, name=one.table)
        there = table.column(one.column) is not None
        found.append(RetiredColumn(table=name, column=one.column, reason=one.reason, there=there))
    return tuple(found)


def drop_statement(retired: RetiredColumn) -> str:
    """What the owner of the target runs when nobody reads the column any more. Transfuse never does."""
    return f"ALTER TABLE {retired.table.sql} DROP COLUMN {Identifier(retired.column)};"
