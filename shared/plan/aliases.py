"""The columns of each alias of a FROM clause: a table's from the catalogue, all others as the server describes them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly

import msgspec
from sqlglot import exp

from shared.plan.describe import KEY
from shared.plan.from_clause import FromClause, read_key
from shared.plan.model import Mapping, Text
from shared.plan.report import Report
from shared.postgres.catalog import Catalog, ColumnType

MappingDescription = ReadOnly[str, ReadOnly[str, ColumnType]]


class Aliases(msgspec.Struct, frozen=True, kw_only=True):
    """By alias, by column, in the order of the table: the type."""

    types: dict[str, dict[str, ColumnType]]

    def find(self, alias: str, column: str) -> tuple[str, str] | None:
        """The alias and column that a name means: exactly, or in lower case. None if there is none."""
        return find_column(self.types, alias, column)

    def type_of(self, alias: str, column: str) -> ColumnType:
        """The type of a column that is there. Raises KeyError."""
        return self.types[alias][column]


def find_column(aliases: ReadOnly[str, ReadOnly[str, object]], alias: str, column: str) -> tuple[str, str] | None:
    """The alias and column that a name means: exactly, or in lower case. None if there is none."""
    for known in (alias, alias.lower()):
        columns = aliases.get(known)
        if columns is not None:
            return next(((known, name) for name in (column, column.lower()) if name in columns), None)
    return None


def aliases_of_clause(clause: FromClause, source: Catalog, described: MappingDescription) -> Aliases:
    """The columns of every alias; none for a table that the catalogue does not know."""
    types: dict[str, dict[str, ColumnType]] = {}
    for item in clause.items:
        if item.table is None:
            types[item.alias] = dict(described.get(item.alias, {}))
            continue
        table = source.tables.get(item.table.name) if item.table.schema == source.schema else None
        types[item.alias] = {} if table is None else {column.name: column.type for column in table.columns}
    return Aliases(types=types)


def key_types(mapping: Mapping, aliases: Aliases, described: MappingDescription, report: Report) -> list[ColumnType]:
    """The type of each part of the key: a column's own, else as described. What is unknown goes to the report."""
    found: list[ColumnType] = []
    for number, part in enumerate(mapping.key):
        column = plain_column(part)
        named = None if column is None else aliases.find(*column)
        if named is not None:
            found.append(aliases.type_of(*named))
        elif column is not None and column[0] in aliases.types:
            unknown_column(part, 0, column, aliases, report)
        elif f"k{number}" in described.get(KEY, {}):
            found.append(described[KEY][f"k{number}"])
    return found


def plain_column(part: Text) -> tuple[str, str] | None:
    """Alias and column of a key part that is just that."""
    tree = read_key(part.value)
    return (tree.table, tree.name) if isinstance(tree, exp.Column) and tree.table else None


def unknown_column(text: Text, offset: int, written: Iterable[str], aliases: Aliases, report: Report) -> None:
    """Note a column that its alias has not."""
    alias, column = written
    known = aliases.types.get(alias, aliases.types.get(alias.lower(), {}))
    report.problem_in(text, offset, f"{alias!r} has no column {column!r}", wrong=column, known=known)
