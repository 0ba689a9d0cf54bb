"""Whatever the value, it arrives as it was: texts, numbers, dates and JSON from COPY to COPY."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.transformer.engine import Engine
from services.transformer.statements import open_connection
from shared.plan.functions.json_text import json_or_raw, jsonb_accepts
from tests.transforming.mappings import Options, compiled, transformed

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
TYPES = {
    "text": TEXTS,
    "varchar(5)": TEXTS.map(lambda text: text[:5]),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:.30f}"),
    "numeric(6,2)": st.decimals(-9999, 9999, places=2).map(lambda number: f"{number:f}"),
    "double precision": st.floats().map(repr),
    "real": st.floats(width=32).map(repr),
    "date": st.dates().map(str),
    "timestamp": st.datetimes().map(lambda moment: moment.isoformat(" ")),
    "timestamptz": st.datetimes().map(lambda moment: f"{moment.isoformat(' ')}+00"),
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=20).map(lambda data: "\\x" + data.hex()),
    "jsonb": st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)).map(json.dumps),
}
ON_THE_EDGE = (
    *("1e131072", "1e131071", "0.1e-16383", "1e-16383", "1e-16384", "[1,]", "-NaN", "inf"),
    *('"\\\\u0000"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud83d"'),
)
PIECES = "{}[]\",:0123456789.eE+-\\u0dD8a nNaItruefls/*'\t\n"
JSON_LIKE = st.text(st.sampled_from(PIECES), max_size=14) | st.sampled_from(ON_THE_EDGE)


@pytest.fixture
async def connection(postgres_server: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(postgres_server)
    await opened.execute(
        "set timezone = 'UTC'; set datestyle = 'ISO'; set extra_float_digits = 3; set bytea_output = 'hex'"
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize("csv", (False, True), ids=("own encoding", "csv"))
@pytest.mark.parametrize("kind", TYPES)
async def test_a_value_arrives_as_it_was(connection: asyncpg.Connection, engine: Engine, kind: str, csv: bool) -> None:
    columns = {"id": ("integer", "p.id"), "v": (kind, "p.v"), **({"x": ("interval", "NULL")} if csv else {})}
    mapping = compiled({"id": "integer", "v": kind}, columns)
    extra = ", x interval" if csv else ""
    await connection.execute(f"create temp table arrived (id integer, v {kind}{extra})")
    asked = f"select v::text from (select unnest($1::text[])::{kind} as v) q"  # noqa: S608 - a type of this file

    async def check(values: list[str | None]) -> None:
        texts = [row[0] for row in await connection.fetch(asked, values)]
        body = transformed(engine, mapping, [(str(number), text) for number, text in enumerate(texts)])
        await connection.execute("truncate arrived")
        form = mapping.transform.encoding.value
        await connection.copy_to_table("arrived", source=io.BytesIO(body.rows), format=form)
        found = [row[0] for row in await connection.fetch("select v::text from arrived order by id")]
        assert found == texts

    await _checked(check, st.lists(st.none() | TYPES[kind], min_size=1, max_size=30))


async def test_json_is_taken_exactly_where_jsonb_takes_it(connection: asyncpg.Connection) -> None:
    await connection.execute(
        """create function pg_temp.accepts(value text) returns boolean language plpgsql as $$
        begin perform value::jsonb; return true; exception when others then return false; end $$"""
    )
    duck = open_connection()

    async def check(texts: list[str]) -> None:
        asked = "select pg_temp.accepts(value) from unnest($1::text[]) with ordinality as t(value, n) order by n"
        expected = [row[0] for row in await connection.fetch(asked, texts)]
        assert [jsonb_accepts(text) for text in texts] == expected
        found = duck.execute("select list(json_accepted(value)) from (select unnest($1::varchar[]) as value)", [texts])
        assert found.fetchall()[0][0] == expected
        raw = await connection.fetch(
            "select value::jsonb ->> 'raw' from unnest($1::text[]) as t(value)", [json_or_raw(text) for text in texts]
        )
        assert [row[0] for row, taken in zip(raw, expected, strict=True) if not taken] == [
            text for text, taken in zip(texts, expected, strict=True) if not taken
        ]

    try:
        await _checked(check, st.lists(JSON_LIKE | TYPES["jsonb"], min_size=1, max_size=40))
    finally:
        duck.close()


def test_what_is_kept_aside_and_packed_is_json_that_gives_the_original_back(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text", "b": "text"},
        {"v": ("integer", "CAST(p.a AS INTEGER)"), "meta": ("jsonb", "rest()")},
        Options(bad_value=("v",)),
    )

    @settings(max_examples=30, deadline=None)
    @given(rows=st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1, max_size=20))
    def check(rows: list[tuple[str, str | None]]) -> None:
        body = transformed(engine, mapping, rows)
        assert body.row_count == len(rows)
        for (a, b), document in zip(rows, _documents(body.rows), strict=True):
            assert document["b"] == b
            assert document.get("rejected", {"v": a}) == {"v": a}

    check()


@pytest.mark.parametrize("kind", ("timestamp", "timestamptz"))
def test_a_moment_lies_between_two_days_if_its_day_in_utc_does(engine: Engine, kind: str) -> None:
    zone = "+00" if kind == "timestamptz" else ""
    mapping = compiled({"v": kind}, {"v": (kind, "unit(p.v, DATE '1900-01-02', DATE '2025-12-31')")})
    low, past = datetime(1900, 1, 2), datetime(2026, 1, 1)  # noqa: DTZ001 - of the day as it is written
    edges = [end + timedelta(microseconds=step) for end in (low, past) for step in (-1, 0, 1)]

    @settings(max_examples=50, deadline=None)
    @given(moments=st.lists(st.sampled_from(edges) | st.datetimes(), min_size=1, max_size=20))
    @example(moments=edges)
    def check(moments: list[datetime]) -> None:
        values: list[str | None] = [f"{moment.isoformat(' ')}{zone}" for moment in moments]
        values += ["infinity", "-infinity", f"0044-03-15 12:00:00{zone} BC", None]
        body = transformed(engine, mapping, [(value,) for value in values])
        refused = {int(row.legacy_key) - 1 for row in body.refused}
        outside = {number for number, moment in enumerate(moments) if not low <= moment < past}
        assert refused == outside | {len(moments), len(moments) + 1, len(moments) + 2}

    check()


async def _checked(check: object, values: st.SearchStrategy[object]) -> None:
    """Run an asynchronous check with hypothesis' values on the running loop."""
    loop = asyncio.get_running_loop()

    def examples() -> None:
        @settings(max_examples=15, deadline=None)
        @given(value=values)
        def one(value: object) -> None:
            asyncio.run_coroutine_threadsafe(check(value), loop).result()  # type: ignore[operator]

        one()

    await asyncio.to_thread(examples)


def _documents(rows: bytes) -> list[dict[str, object]]:
    """The second of two fields of each row, a jsonb behind its version byte."""
    at, found = 19, []
    while rows[at : at + 2] == b"\x00\x02":
        first = int.from_bytes(rows[at + 2 : at + 6], "big", signed=True)
        at += 6 + max(first, 0)
        size = int.from_bytes(rows[at : at + 4], "big")
        found.append(json.loads(rows[at + 5 : at + 4 + size]))
        at += 4 + size
    return found
