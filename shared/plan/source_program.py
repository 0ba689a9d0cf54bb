"""What the extractor runs for a mapping, made of its checked clause and the source catalogue."""

from __future__ import annotations

import msgspec
from sqlglot import exp

from shared.plan.aliases import Aliases, plain_column
from shared.plan.compiled import Cut, KeyPart, SourceColumn, SourceProgram
from shared.plan.from_clause import FromClause, TableColumn, printed, read_key
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from shared.plan.model import Mapping
from shared.plan.source_types import MONEY, base_oid, duck_type
from shared.plan.summed import summed_columns
from shared.plan.used_columns import UsedColumns
from shared.postgres.catalog import Catalog, ColumnType, Table
from shared.postgres.identifiers import Identifier, TableName

HASH = "h"
WRITTEN = frozenset("rp")
"""Tables and partitioned tables."""
OCCURRENCE = KeyPart(name="k0", sql="row_number() over (partition by q.h)", type_name="bigint", duck_type="BIGINT")
CONTENT_PART = KeyPartType(type_name="bigint", duck_type="BIGINT", form=CanonicalForm.INTEGER)


def source_program(
    mapping: Mapping,
    clause: FromClause,
    aliases: Aliases,
    used: UsedColumns,
    signature: KeySignature,
    source: Catalog,
) -> SourceProgram:
    """The program of a mapping of which everything is known."""
    columns = tuple(
        source_column(number, alias, column, aliases.type_of(alias, column))
        for number, (alias, column) in enumerate(used.selected)
    )
    program = SourceProgram(
        driving=clause.driving,
        driving_only=clause.driving_only,
        schema=source.schema,
        tables=clause.tables,
        clause_sql=clause.sql,
        from_sql=clause.sql,
        key=(),
        cut_key=(),
        content_key=mapping.content_key,
        columns=columns,
        cut=Cut.STREAM,
        excludes_expected=mapping.excludes_expected,
        read_columns=read_columns(mapping, clause, used, source),
        sums=summed_columns(mapping, aliases, {(column.alias, column.column): column.name for column in columns}),
    )
    return with_content_key(program) if mapping.content_key else with_key(program, mapping, clause, signature, source)


def source_column(number: int, alias: str, column: str, column_type: ColumnType) -> SourceColumn:
    """One selected column. Money leaves as a number, whose text no locale changes."""
    cast = "::numeric" if base_oid(column_type) == MONEY else ""
    return SourceColumn(
        name=f"c{number}",
        alias=alias,
        column=column,
        sql=f"{Identifier(alias)}.{Identifier(column)}{cast}",
        type_name=column_type.name,
        duck_type=duck_type(column_type),
    )


def with_key(
    program: SourceProgram, mapping: Mapping, clause: FromClause, signature: KeySignature, source: Catalog
) -> SourceProgram:
    """The program with the key that the plan names."""
    key = tuple(
        KeyPart(
            name=f"k{number}",
            sql=printed(read_key(part.value)),
            type_name=kind.type_name,
            duck_type=kind.duck_type,
            form=kind.form.value,
        )
        for number, (part, kind) in enumerate(zip(mapping.key, signature.parts, strict=True))
    )
    single_integer = len(key) == 1 and signature.parts[0].form is CanonicalForm.INTEGER
    plain = all(plain_column(part) is not None for part in mapping.key)
    cut = Cut.STREAM if clause.expensive else Cut.INTEGERS if single_integer and plain else Cut.RANGES
    own = is_key_of_driving_table(mapping, clause, source)
    return msgspec.structs.replace(
        program,
        key=key,
        cut_key=key,
        cut=cut,
        unique_proven=own and clause.plain,
        driving_alias=clause.items[0].alias if own and clause.drops_none else "",
        row_tables={item.alias: item.table for item in clause.items if item.table and tells_writes(item.table, source)},
    )


def tells_writes(table: TableName, source: Catalog) -> bool:
    """Whether the rows of a table are its own, so that each has the transaction that wrote it."""
    found = source.tables.get(table.name) if table.schema == source.schema else None
    return found is not None and found.kind in WRITTEN


def with_content_key(program: SourceProgram) -> SourceProgram:
    """The program of rows without identity: cut by a hash of the row, numbered among equal rows."""
    inner = ", ".join(f"{column.sql} as {column.name}" for column in program.columns)
    texts = ", ".join(f"({column.sql})::text" for column in program.columns)
    from_sql = f'(select md5(row({texts})::text) collate "C" as {HASH}, {inner} from {program.clause_sql}) as q'  # noqa: S608 - checked clause, quoted names
    columns = tuple(msgspec.structs.replace(column, sql=f"q.{column.name}") for column in program.columns)
    cut_key = (KeyPart(name=HASH, sql=f"q.{HASH}", type_name="text", duck_type="VARCHAR"),)
    return msgspec.structs.replace(program, from_sql=from_sql, columns=columns, key=(OCCURRENCE,), cut_key=cut_key)


def is_key_of_driving_table(mapping: Mapping, clause: FromClause, source: Catalog) -> bool:
    """Whether the key is a unique, NOT NULL key of the first table, which no child table adds rows to."""
    table = source.tables.get(clause.driving.name)
    if table is None or (table.children and table.kind != "p" and not clause.driving_only):
        return False
    written = [plain_column(part) for part in mapping.key]
    columns = {pair[1] for pair in written if pair is not None}
    aliases = {pair[0] for pair in written if pair is not None}
    return (
        None not in written
        and aliases == {clause.items[0].alias}
        and any(
            set(key.columns) == columns and not key.partial and all_not_null(table, key.columns) for key in table.keys
        )
    )


def all_not_null(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether none of a table's columns takes NULL."""
    found = [table.column(name) for name in columns]
    return bool(found) and all(column is not None and column.not_null for column in found)


def read_columns(
    mapping: Mapping, clause: FromClause, used: UsedColumns, source: Catalog
) -> dict[str, tuple[str, ...]]:
    """By table (`schema.name`) every column that is read: by the clause, the key or an expression."""
    tables = {item.alias: item.table for item in clause.items}
    found: set[tuple[TableName, str]] = set()
    for alias, column in used.selected:
        table = tables[alias]
        if table is not None:
            found.add((table, column))
    for use in (*clause.columns, *key_uses(mapping, clause)):
        found |= {(table, use.name) for table in use.candidates if has_column(source, table, use.name)}
    return {str(table): tuple(sorted(column for owner, column in found if owner == table)) for table in clause.tables}


def key_uses(mapping: Mapping, clause: FromClause) -> list[TableColumn]:
    """The columns that the key reads."""
    nodes = [node for part in mapping.key for node in read_key(part.value).find_all(exp.Column)]
    items = [(node, clause.item(node.table)) for node in nodes]
    return [
        TableColumn(name=node.name, candidates=(item.table,), offset=0)
        for node, item in items
        if item is not None and item.table is not None
    ]


def has_column(source: Catalog, table: TableName, column: str) -> bool:
    """Whether the catalogue knows a column."""
    found = source.tables.get(table.name) if table.schema == source.schema else None
    return found is not None and found.column(column) is not None
