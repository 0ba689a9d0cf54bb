"""A plan held against the source catalogue: tables, columns of clauses, and that no legacy table is forgotten."""

from __future__ import annotations

import re

from shared.plan.from_clause import FromClause, TableColumn
from shared.plan.model import Mapping, Plan
from shared.plan.position import Position
from shared.plan.report import Report
from shared.postgres.catalog import Catalog
from shared.postgres.identifiers import TableName

HOLDS_ROWS = frozenset("rpf")
"""Kinds of tables that hold rows of their own: ordinary, partitioned, foreign."""


def check_clause(mapping: Mapping, clause: FromClause, source: Catalog, report: Report) -> None:
    """Tables and columns that a clause reads must be there."""
    for table in clause.tables:
        if table.schema != source.schema:
            message = f"table {table}: this plan reads schema {source.schema!r}; its `source:` names another"
            report.problem(mapping.from_.position, message)
        elif table.name not in source.tables:
            offset = offset_of_word(mapping.from_.value, table.name)
            message = f"there is no table {table} in the legacy database"
            report.problem_in(mapping.from_, offset, message, wrong=table.name, known=source.tables)
    for column in clause.columns:
        check_column(mapping, column, clause, source, report)


def check_column(mapping: Mapping, column: TableColumn, clause: FromClause, source: Catalog, report: Report) -> None:
    """A column of the clause that can belong to one table only must be there; whole rows are never read."""
    tables = [source.tables.get(table.name) for table in column.candidates if table.schema == source.schema]
    known = [table for table in tables if table is not None]
    if len(known) != len(column.candidates) or not known or any(table.column(column.name) for table in known):
        return
    if clause.item(column.name) is not None:
        message = f"{column.name!r} is a whole row: name the columns, only those that are used may be read"
        report.problem_in(mapping.from_, column.offset, message)
    elif len(known) == 1:
        names = [found.name for found in known[0].columns]
        message = f"table {known[0].name} has no column {column.name!r}"
        report.problem_in(mapping.from_, column.offset, message, wrong=column.name, known=names)


def check_unmapped(plan: Plan, read: set[TableName], source: Catalog, report: Report) -> None:
    """Every legacy table is read by a mapping or listed with a reason; what is listed exists."""
    children = {child.name for table in source.tables.values() for child in table.children}
    holding = [name for name, table in source.tables.items() if table.kind in HOLDS_ROWS and name not in children]
    used = {table.name for table in read if table.schema == source.schema}
    forgotten = sorted(name for name in holding if name not in used and name not in plan.unmapped)
    if forgotten:
        message = f"neither read by a mapping nor listed under `unmapped` with a reason: {', '.join(forgotten)}"
        report.problem(place_of_key(plan, "unmapped"), message)
    for name in plan.unmapped:
        if name not in source.tables:
            message = f"`unmapped` names {name!r}, which is no table of schema {source.schema!r}"
            report.problem(place_of_key(plan, name), message, wrong=name, known=source.tables)


def place_of_key(plan: Plan, name: str) -> Position:
    """Where a key stands in the plan, the last place where it does, else the start of the first file."""
    written = [file for file in plan.files if not file.endswith(".csv")]
    wanted = re.compile(rf"""(?:^\s*|[{{,]\s*)(["']?){re.escape(name)}\1\s*:""")
    for file in written:
        for number, line in reversed(list(enumerate(plan.files[file].splitlines(), 1))):
            found = wanted.search(line)
            if found:
                return Position(file=file, line=number, column=line.index(name, found.start()) + 1)
    return Position(file=written[0], line=1, column=1)


def offset_of_word(text: str, word: str) -> int:
    """Where a word begins in a text, 0 if it is not there."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
    return found.start() if found else 0
