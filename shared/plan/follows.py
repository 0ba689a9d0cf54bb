"""`follows`: parents whose fate a row shares although its table has no column for them.

Such a reference is computed and judged like the others, and travels to the loader as a uuid behind the columns, which
does not write it.
"""

from __future__ import annotations

import msgspec

from shared.plan.model import Mapping
from shared.plan.references import referred_mappings
from shared.plan.report import Report
from shared.plan.source_types import UUID
from shared.postgres.catalog import Column, ColumnType, Table

UUID_TYPE = ColumnType(oid=UUID, typmod=-1, name="uuid")


def with_followed(mapping: Mapping) -> Mapping:
    """The mapping with what it follows among its columns."""
    return msgspec.structs.replace(mapping, columns=mapping.computed, follows=())


def with_room(table: Table, mapping: Mapping) -> Table:
    """The table as if it had columns for what a mapping follows."""
    room = tuple(Column(name=column.column, type=UUID_TYPE) for column in mapping.follows)
    return msgspec.structs.replace(table, columns=(*table.columns, *room))


def check_follows(mapping: Mapping, report: Report) -> None:
    """What is followed is a reference, under a name of its own."""
    columns = {column.column for column in mapping.columns}
    for followed in mapping.follows:
        position = followed.expression.position
        if followed.column in columns:
            report.problem(position, f"{followed.column!r} is a column already: choose another name under `follows`")
        if not referred_mappings(followed.expression.value):
            report.problem(position, f"`follows` names parents: write {followed.column}: ref('mapping', key)")


def check_no_column(mapping: Mapping, table: Table, report: Report) -> None:
    """What the table has a column for is written."""
    for followed in mapping.follows:
        if table.column(followed.column) is not None:
            message = f"{table.name} has a column {followed.column!r}: list it under `columns`, or choose another name"
            report.problem(followed.expression.position, message)
