"""Mappings for tests: from a few source columns and expressions to a compiled program, and rows through it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import polars as pl

from services.transformer.decode import column_names, decode
from services.transformer.engine import Engine
from services.transformer.statements import RunValues
from shared.messages.data import LoadBody, RefusedRow
from shared.plan import source_types as pg
from shared.plan.compiled import CompiledMapping, Cut, KeyPart, LoadProgram, SourceColumn, SourceProgram
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from shared.plan.model import (
    Accounts,
    BadValue,
    Codebook,
    ColumnExpression,
    Mapping,
    MissingParent,
    ParentPolicy,
    Plan,
    Rule,
    Text,
)
from shared.plan.position import Position
from shared.plan.transform_sql import compile_transform
from shared.postgres.catalog import Column, ColumnType, Table
from shared.postgres.identifiers import TableName

PLACE = Position(file="plan.yml", line=1, column=1)
NAMESPACE = UUID("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10")
MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
VALUES = RunValues(namespace=NAMESPACE, snapshot_at=MOMENT)

TYPES = {
    "boolean": ColumnType(oid=pg.BOOL, typmod=-1, name="boolean"),
    "smallint": ColumnType(oid=pg.INT2, typmod=-1, name="smallint"),
    "integer": ColumnType(oid=pg.INT4, typmod=-1, name="integer"),
    "bigint": ColumnType(oid=pg.INT8, typmod=-1, name="bigint"),
    "real": ColumnType(oid=pg.FLOAT4, typmod=-1, name="real"),
    "double precision": ColumnType(oid=pg.FLOAT8, typmod=-1, name="double precision"),
    "text": ColumnType(oid=pg.TEXT, typmod=-1, name="text"),
    "varchar(5)": ColumnType(oid=pg.VARCHAR, typmod=9, name="character varying(5)"),
    "char(3)": ColumnType(oid=pg.BPCHAR, typmod=7, name="character(3)"),
    "numeric": ColumnType(oid=pg.NUMERIC, typmod=-1, name="numeric"),
    "numeric(6,2)": ColumnType(oid=pg.NUMERIC, typmod=(6 << 16 | 2) + 4, name="numeric(6,2)"),
    "date": ColumnType(oid=pg.DATE, typmod=-1, name="date"),
    "timestamp": ColumnType(oid=pg.TIMESTAMP, typmod=-1, name="timestamp without time zone"),
    "timestamptz": ColumnType(oid=pg.TIMESTAMPTZ, typmod=-1, name="timestamp with time zone"),
    "uuid": ColumnType(oid=pg.UUID, typmod=-1, name="uuid"),
    "jsonb": ColumnType(oid=pg.JSONB, typmod=-1, name="jsonb"),
    "bytea": ColumnType(oid=pg.BYTEA, typmod=-1, name="bytea"),
    "mood": ColumnType(oid=90000, typmod=-1, name="mood", kind="e", labels=("sad", "ok")),
    "interval": ColumnType(oid=pg.INTERVAL, typmod=-1, name="interval"),
}
"""Types of columns by short names."""


def text(value: str) -> Text:
    """A text of a plan."""
    return Text(value=value, position=PLACE)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a mapping may say beside its columns."""

    keep: str = ""
    rules: tuple[Rule, ...] = ()
    bad_value: tuple[str, ...] = ()
    nulled: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    not_null: tuple[str, ...] = ()
    codebooks: tuple[Codebook, ...] = ()
    content_key: bool = False
    ordered: bool = False
    parents: dict[str, KeySignature] = {}
    invented: tuple[str, ...] = ()
    accounts: Accounts | None = None
    without_parent: tuple[str, ...] = ()


def compiled(
    source: dict[str, str],
    columns: dict[str, tuple[str, str]],
    options: Options | None = None,
    types: dict[str, ColumnType] | None = None,
) -> CompiledMapping:
    """`source`: column of alias `p` to type, `k0` is the key. `columns`: target column to (type, expression)."""
    options = options or Options()
    known = TYPES | (types or {})
    target = Table(
        name=TableName(schema="public", name="people"),
        kind="r",
        columns=tuple(
            Column(name=name, type=known[kind], not_null=name in options.not_null)
            for name, (kind, _) in columns.items()
        ),
    )
    expressions = {name: sql for name, (_, sql) in columns.items()}
    return compiled_onto({name: known[kind] for name, kind in source.items()}, target, expressions, options)


def compiled_onto(
    source: dict[str, ColumnType], target: Table, expressions: dict[str, str], options: Options | None = None
) -> CompiledMapping:
    """A mapping of columns of alias `p` onto a table."""
    options = options or Options()
    program = source_program(source, content_key=options.content_key)
    part = KeyPartType(type_name="integer", duck_type="INTEGER", form=CanonicalForm.INTEGER)
    own = KeySignature(
        mapping="people",
        key_domain="people",
        parts=(part,),
        content_key=options.content_key,
        ordered=options.ordered,
    )
    mapping = Mapping(
        name="people",
        position=PLACE,
        into=text("people"),
        from_=text("people AS p"),
        key=(text("p.id"),),
        key_domain="people",
        content_key=options.content_key,
        keep=text(options.keep) if options.keep else None,
        rules=options.rules,
        required=tuple(map(text, options.required)),
        columns=tuple(
            ColumnExpression(column=name, expression=text(sql), invented=name in options.invented)
            for name, sql in expressions.items()
        ),
        accounts=options.accounts,
        missing_parent={
            name: ParentPolicy(position=PLACE, without=MissingParent.PLACEHOLDER) for name in options.without_parent
        },
        bad_value={
            **dict.fromkeys(options.bad_value, BadValue.KEEP_ASIDE),
            **dict.fromkeys(options.nulled, BadValue.NULL_IT),
        },
    )
    plan = Plan(
        name="test",
        namespace=str(NAMESPACE),
        codebooks={book.name: book for book in options.codebooks},
        mappings=(mapping, msgspec.structs.replace(mapping, name="doctors", key_domain="doctors", columns=())),
        unmapped={},
        files={},
        hash="",
    )
    aliases = {"p": {column.column: column for column in program.columns}}
    parents = {"people": own, "doctors": signature_of("doctors"), **options.parents}
    transform = compile_transform(plan, mapping, program, aliases, target, parents)
    load = LoadProgram(
        table=target.name, columns=tuple(expressions), column_types=(), key_column="id", primary_key=("id",)
    )
    return CompiledMapping(
        name="people", key_domain="people", wave=0, depends_on=(), source=program, transform=transform, load=load
    )


def source_program(source: dict[str, ColumnType], *, content_key: bool = False) -> SourceProgram:
    """Extraction of some columns of alias `p`, keyed by an integer."""
    key = (KeyPart(name="k0", sql="p.id", type_name="integer", duck_type="INTEGER"),)
    columns = tuple(
        SourceColumn(
            name=f"c{number}",
            alias="p",
            column=name,
            sql=f"p.{name}",
            type_name=kind.name,
            duck_type=pg.duck_type(kind),
        )
        for number, (name, kind) in enumerate(source.items())
    )
    return SourceProgram(
        driving=TableName(schema="public", name="people"),
        schema="public",
        tables=(),
        clause_sql="",
        from_sql="",
        content_key=content_key,
        columns=columns,
        key=key,
        cut_key=key,
        cut=Cut.INTEGERS,
        excludes_expected=False,
        read_columns={},
    )


def signature_of(mapping: str, form: CanonicalForm = CanonicalForm.INTEGER, duck_type: str = "INTEGER") -> KeySignature:
    """A key of one part."""
    part = KeyPartType(type_name="integer", duck_type=duck_type, form=form)
    return KeySignature(mapping=mapping, key_domain=mapping, parts=(part,))


def copied_csv(rows: Sequence[Sequence[str | None]]) -> bytes:
    """Rows as COPY writes them: None unquoted and empty, '' quoted."""
    out = io.StringIO()
    for row in rows:
        out.write(",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n")
    return out.getvalue().encode()


def transformed(engine: Engine, mapping: CompiledMapping, rows: Sequence[Sequence[str | None]]) -> LoadBody:
    """Rows without their key, which is their number from 1, through the transformer."""
    return transformed_keyed(engine, mapping, [(str(number), *row) for number, row in enumerate(rows, start=1)])


def transformed_keyed(engine: Engine, mapping: CompiledMapping, rows: Sequence[Sequence[str | None]]) -> LoadBody:
    """Rows, their key first, through the transformer."""
    return engine.transform(mapping, decode(copied_csv(rows), column_names(mapping.source), len(rows)), VALUES)


def answer(engine: Engine, mapping: CompiledMapping, rows: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    """The statement's own result, columns named after the target's."""
    keyed = [(str(number), *row) for number, row in enumerate(rows, start=1)]
    source = decode(copied_csv(keyed), column_names(mapping.source), len(keyed))
    result = pl.DataFrame(pl.from_arrow(engine._statements.run(mapping.transform, source, VALUES).rows)).select(
        "^v\\d+$"
    )
    names = {
        f"v{number}": column.name
        for number, column in enumerate(mapping.transform.target_columns)
        if column.encoder != "key"
    }
    return result.rename(names)


def reasons(refused: RefusedRow) -> set[tuple[str, str]]:
    """Reasons of a refused row, by code and column."""
    return {(reason.code, reason.column) for reason in refused.reasons}


def warned(body: LoadBody) -> dict[tuple[str, str], int]:
    """Counted warnings by code and column."""
    return {(warning.reason.code, warning.reason.column): warning.count for warning in body.warned}


def rows_of(refused: RefusedRow) -> dict[str, str | None]:
    """The source row that a refused row keeps."""
    kept: dict[str, str | None] = msgspec.json.decode(refused.row)
    return kept
