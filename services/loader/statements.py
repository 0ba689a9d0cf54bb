"""The SQL of one mapping's temporary table, made of quoted identifiers only."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.loader.shape import StagedColumn, TargetShape
from shared.core.states import LoadMode
from shared.plan.compiled import LoadProgram, Reference
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "staging.sql")
PATCH = load_sql("services.loader", "patch.sql")
MERGE = load_sql("services.loader", "merge.sql")
STAGED_TABLE = "transfuse_staged"


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """Ready statements. `missing` and `compare` are empty where there is no reference and no known key to look for.

    `write` puts what is left in the temporary table into the target, `trial` some of it; both in the way of the mode.
    `lock` holds the rows that a patch is about to change, `absent` and `absent_keys` find what is not there to be
    patched; they are empty in every other mode.
    """

    create: str
    write: str
    trial: str
    compare: str
    missing: str
    texts: str
    nulls: tuple[str, ...]
    turns: tuple[str, ...]
    lock: str = ""
    absent: str = ""
    absent_keys: str = ""


def make_statements(program: LoadProgram, shape: TargetShape, mode: LoadMode = LoadMode.INSERT) -> Statements:
    """Statements for one mapping in one mode; `nulls` and `turns` have one entry per reference of the program."""
    staged = [shape.column(reference.column).staged for reference in program.references]
    fill = _fill(program, shape)
    texts = {LoadMode.MERGE: MERGE, LoadMode.PATCH: PATCH}.get(mode, SQL)
    patches = mode is LoadMode.PATCH
    return Statements(
        create=SQL["create"].format(columns=", ".join(map(_definition, shape.columns))),
        write=texts["write"].format(**fill),
        trial=texts["trial"].format(**fill),
        compare=(PATCH if patches else SQL)["compare"].format(**fill) if fill["identity"] else "",
        missing="\nunion all\n".join(
            SQL["missing"].format(number=number, staged=staged[number], absent=_absent(one_of, staged[number]))
            for number, one_of in _by_column(program)
        ),
        texts=SQL["texts"].format(texts=", ".join(f"s.{column.staged}::text" for column in shape.columns)),
        nulls=tuple(SQL["null_it"].format(staged=name) for name in staged),
        turns=tuple(
            SQL["turn"].format(staged=name, type_name=shape.column(reference.column).staged_type)
            for name, reference in zip(staged, program.references, strict=True)
        ),
        lock=PATCH["lock"].format(**fill) if patches else "",
        absent=PATCH["absent"].format(**fill) if patches else "",
        absent_keys=PATCH["absent_keys"].format(**fill) if patches else "",
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


def _fill(program: LoadProgram, shape: TargetShape) -> dict[str, str]:
    """What the statements are filled with."""
    identity = identity_columns(program)
    known = [shape.column(name) for name in identity]
    changed = [column for column in shape.written if column.name not in identity] or known
    return {
        "table": shape.table.sql,
        "names": ", ".join(Identifier(column.name) for column in shape.written),
        "values": ", ".join(map(_value, shape.written)),
        "identity": " and ".join(f"t.{Identifier(column.name)} = s.{column.staged}" for column in known),
        "same": " and ".join(f"({same_value(column)})" for column in shape.written),
        # A value that is not NULL and another one: whoever wrote it, it was not this run.
        "taken": " or ".join(
            f"(t.{Identifier(column.name)} is not null and not ({same_value(column)}))" for column in changed
        ),
        "key": ", ".join(Identifier(column.name) for column in known),
        "type_name": known[0].type_name if known else "text",
        "updates": ", ".join(f"{Identifier(column.name)} = {_value(column)}" for column in changed),
        "overwrites": ", ".join(
            f"{Identifier(column.name)} = excluded.{Identifier(column.name)}" for column in changed
        ),
    }


def _definition(column: StagedColumn) -> str:
    return SQL["column"].format(staged=column.staged, type_name=column.staged_type)


def _value(column: StagedColumn) -> str:
    return f"s.{column.staged}::{column.type_name}" if column.label else f"s.{column.staged}"


def same_value(column: StagedColumn, rounded_to: str = "") -> str:
    """The condition that a staged value is that of the target; as the type `rounded_to` has it, where one is given."""
    staged, target = f"s.{column.staged}", f"t.{Identifier(column.name)}"
    if rounded_to:
        staged = f"{staged}::{rounded_to}"
    if column.by_characters:
        staged = f'{staged} collate "C"'
    elif not column.by_value:
        staged, target = f"{staged}::text", f"{target}::text"
    return f"{staged} is not distinct from {target}"
