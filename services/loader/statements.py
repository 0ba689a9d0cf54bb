"""The SQL of one mapping's temporary table, made of quoted identifiers only."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.loader.shape import StagedColumn, TargetShape
from shared.plan.compiled import LoadProgram, Reference
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "staging.sql")
STAGED_TABLE = "transfuse_staged"


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """Ready statements. `missing` and `compare` are empty where there is no reference and no known key to look for."""

    create: str
    insert: str
    trial: str
    compare: str
    missing: str
    texts: str
    nulls: tuple[str, ...]


def make_statements(program: LoadProgram, shape: TargetShape) -> Statements:
    """Statements for one mapping; `nulls` has one entry per reference of the program."""
    names = ", ".join(Identifier(column.name) for column in shape.columns)
    fill = {"table": shape.table.sql, "names": names, "values": ", ".join(map(_value, shape.columns))}
    staged = [shape.column(reference.column).staged for reference in program.references]
    return Statements(
        create=SQL["create"].format(columns=", ".join(map(_definition, shape.columns))),
        insert=SQL["insert"].format(**fill),
        trial=SQL["trial"].format(**fill),
        compare=_compare(identity_columns(program), shape),
        missing="\nunion all\n".join(
            SQL["missing"].format(number=number, staged=staged[number], absent=_absent(one_of, staged[number]))
            for number, one_of in _by_column(program)
        ),
        texts=SQL["texts"].format(texts=", ".join(f"s.{column.staged}::text" for column in shape.columns)),
        nulls=tuple(SQL["null_it"].format(staged=name) for name in staged),
    )


def _by_column(program: LoadProgram) -> Iterator[tuple[int, list[Reference]]]:
    """The references of each column, which has its parent in one of their tables, under the first one's number."""
    for column in dict.fromkeys(reference.column for reference in program.references):
        numbered = [(number, one) for number, one in enumerate(program.references) if one.column == column]
        yield numbered[0][0], [one for _, one in numbered]


def _absent(one_of: list[Reference], staged: str) -> str:
    """The condition that none of the tables has the parent."""
    return " and ".join(
        dict.fromkeys(
            SQL["absent"].format(table=one.table.sql, referenced=Identifier(one.referenced_column), staged=staged)
            for one in one_of
        )
    )


def identity_columns(program: LoadProgram) -> tuple[str, ...]:
    """The columns by which a row is known in the target: the one that holds `key()`, else a mapped primary key."""
    if program.key_column:
        return (program.key_column,)
    return program.primary_key if set(program.primary_key) <= set(program.columns) else ()


def _compare(identity: tuple[str, ...], shape: TargetShape) -> str:
    if not identity:
        return ""
    return SQL["compare"].format(
        table=shape.table.sql,
        identity=" and ".join(f"t.{Identifier(name)} = s.{shape.column(name).staged}" for name in identity),
        same=" and ".join(f"({_same(column)})" for column in shape.columns),
    )


def _definition(column: StagedColumn) -> str:
    return SQL["column"].format(staged=column.staged, type_name=column.staged_type)


def _value(column: StagedColumn) -> str:
    return f"s.{column.staged}::{column.type_name}" if column.label else f"s.{column.staged}"


def _same(column: StagedColumn) -> str:
    staged, target = f"s.{column.staged}", f"t.{Identifier(column.name)}"
    if column.by_characters:
        staged = f'{staged} collate "C"'
    elif not column.by_value:
        staged, target = f"{staged}::text", f"{target}::text"
    return f"{staged} is not distinct from {target}"
