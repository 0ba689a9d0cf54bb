"""Every PostgreSQL type with its special values, from one real table through the transformer into another."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.transformer.decode import column_names, decode
from services.transformer.engine import Engine
from shared.core.states import Encoding
from shared.postgres.introspection import read_catalog
from tests.conftest import DatabaseFactory
from tests.transforming.mappings import VALUES, Options, compiled_onto, reasons

SETUP = """
    create type mood as enum ('sad', 'it''s ok', 'very "happy"');
    create extension if not exists citext;
    create domain short_text as varchar(5);
    create domain positive as numeric(8, 2) check (value > 0);
"""
SESSION = """
    set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 3;
    set bytea_output = 'hex';
"""
DIGITS_38 = "9" * 28 + "." + "1" * 10
CASES: dict[str, tuple[str, ...]] = {
    "boolean": ("true", "false"),
    "smallint": ("-32768", "32767", "0"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "real": ("1.1", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity", "-0"),
    "double precision": ("0.1", "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity", "-0", "1234567890"),
    "numeric(10,2)": ("0", "-0.01", "99999999.99", "12.30", "10000", "0.10", "NaN"),
    "numeric(38,10)": (DIGITS_38, "-" + DIGITS_38, "0.0000000001", "10000000000"),
    "numeric(5,5)": ("0.00001", "-0.5"),
    "numeric": ("9" * 60, "0." + "1" * 60, "NaN", "-1.500", "1e40"),
    "numeric(50,20)": ("1" * 30 + "." + "2" * 20, "NaN"),
    "text": (
        "", " ", "a", "\\.", "\\N", "NULL", 'q"u,o\'te', "two\nlines", "tab\t", "žluťoučký", "日本 🦷", "\u200b",
        "x" * 5000,
    ),
    "varchar(5)": ("", "abcde", "žluťo", "ab   "),
    "char(3)": ("a", "abc", "日本", ""),
    "name": ("pg_catalog",),
    '"char"': ("c",),
    "bytea": ("\\x", "\\x00", "\\xdeadbeef00ff"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "date": ("2024-02-29", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "0001-01-01", "infinity", "-infinity"),
    "time": ("00:00:00", "23:59:59.999999", "24:00:00", "10:11:12.5"),
    "time(3)": ("10:11:12.5",),
    "timetz": ("10:11:12.5+05:30", "24:00:00-08"),
    "timestamp": (
        "2024-02-29 23:59:59.999999", "0044-03-15 10:11:12.5 BC", "4713-01-01 00:00:00 BC", "infinity", "-infinity",
        "294276-12-31 23:59:59", "19985-01-01 00:00:00",
    ),
    "timestamp(3)": ("2024-02-29 23:59:59.125",),
    "timestamptz": (
        "2024-02-29 23:59:59.999999+05:30", "0044-03-15 10:11:12+00 BC", "infinity", "-infinity",
        "294276-12-31 23:59:59+00",
    ),
    "interval": ("1 year 2 mons 3 days 04:05:06.789", "-1 days", "00:00:00"),
    "json": ('{"a" : 1,   "b": [1,2]}', '"\\u0041"', "12345678901234567890123.10", "null"),
    "jsonb": ('{"a": 1.10, "b": null}', '"ž"', "1" * 60, "[]", '{"k": {"deep": [1, {"x": "\\u00e9"}]}}'),
    "mood": ("sad", "it's ok", 'very "happy"'),
    "short_text": ("abcde", ""),
    "positive": ("0.01", "999999.99"),
    "integer[]": ("{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"),
    "text[]": ("{}", '{"a,b","q\\"x",NULL,"NULL",""}'),
    "date[]": ("{infinity,2024-01-01}",),
    "inet": ("10.1.2.3/8", "::1"),
    "cidr": ("10.0.0.0/8",),
    "macaddr": ("08:00:2b:01:02:03",),
    "int4range": ("[1,5)", "empty", "(,)"),
    "tstzrange": ('["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")',),
    "numrange": ("[1.5,2.5]",),
    "bit(3)": ("101",),
    "varbit": ("", "10101"),
    "money": ("$12.34", "-$0.01"),
    "point": ("(1.5,2)",),
    "tsvector": ("'a':1 'b':2",),
    "xml": ("<a>x</a>",),
    "oid": ("4294967295",),
    "citext": ("Ann", "ann", ""),
}  # fmt: skip


REFUSED_IN_BINARY = {"date": 2, "timestamp": 3, "timestamptz": 3, "numeric(10,2)": 1}
"""Infinity, a timestamp beyond DuckDB's last year, NaN."""
BINARY = frozenset(
    {
        "boolean", "smallint", "integer", "bigint", "real", "double", "text", "bytea", "uuid", "date", "time",
        "timestamp", "timestamptz", "json", "jsonb", "mood", "short_text", "positive", "numeric(10,2)",
        "numeric(38,10)", "numeric(5,5)", "varchar(5)", "char(3)", "time(3)", "timestamp(3)", "citext",
    }
)  # fmt: skip


async def passed_through(
    connection: asyncpg.Connection, engine: Engine, kind: str, expressions: dict[str, str]
) -> tuple[Encoding, str, int]:
    """Copy the values of one type: how they travelled, what became of them, how many were refused."""
    values = CASES[kind]
    extra = ", x interval" if "x" in expressions else ""
    await connection.execute(
        f"drop table if exists people, copied; create table people (id integer, v {kind}); "
        f"create table copied (id integer, v {kind}{extra})"
    )
    for number, value in enumerate(values, start=1):
        await connection.execute(f"insert into people select $1, ($2::text)::{kind}", number, value)
    await connection.execute("insert into people values ($1, null)", len(values) + 1)
    out = io.BytesIO()
    await connection.copy_from_query("select id, id, v from people order by id", output=out, format="csv")
    tables = (await read_catalog(connection, "public")).tables
    source = {column.name: column.type for column in tables["people"].columns}
    mapping = compiled_onto(source, tables["copied"], expressions, Options())
    rows = decode(out.getvalue(), column_names(mapping.source), len(values) + 1)
    body = engine.transform(mapping, rows, VALUES)
    await connection.copy_to_table("copied", source=io.BytesIO(body.rows), format=mapping.transform.encoding.value)
    same = await connection.fetchval(
        "select count(*) from people p join copied c using (id) where p.v::text is not distinct from c.v::text"
    )
    complete = body.row_count + len(body.refused) == len(values) + 1 and all(map(reasons, body.refused))
    return mapping.transform.encoding, "same" if same == body.row_count and complete else "changed", len(body.refused)


@pytest.fixture
async def connection(new_database: DatabaseFactory) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(await new_database("types"))
    await opened.execute(SETUP + SESSION)
    yield opened
    await opened.close()


async def test_every_value_of_every_type_arrives_exactly_or_is_refused(
    connection: asyncpg.Connection, engine: Engine
) -> None:
    found = {kind: await passed_through(connection, engine, kind, {"id": "p.id", "v": "p.v"}) for kind in CASES}
    assert found == {
        kind: (
            Encoding.BINARY if kind.split()[0] in BINARY else Encoding.CSV,
            "same",
            REFUSED_IN_BINARY.get(kind, 0),
        )
        for kind in CASES
    }


async def test_every_value_of_every_type_arrives_exactly_as_csv(connection: asyncpg.Connection, engine: Engine) -> None:
    expressions = {"id": "p.id", "v": "p.v", "x": "NULL"}
    found = {kind: await passed_through(connection, engine, kind, expressions) for kind in CASES}
    assert found == dict.fromkeys(CASES, (Encoding.CSV, "same", 0))


async def test_values_that_passed_through_duckdbs_own_types_arrive_exactly_as_csv(
    connection: asyncpg.Connection, engine: Engine
) -> None:
    expressions = {"id": "p.id", "v": "coalesce(p.v, NULL)", "x": "NULL"}
    beyond_duckdb = {"timestamp": 1, "timestamptz": 1, "numeric(10,2)": 1}
    found = {kind: await passed_through(connection, engine, kind, expressions) for kind in CASES}
    assert found == {kind: (Encoding.CSV, "same", beyond_duckdb.get(kind, 0)) for kind in CASES}
