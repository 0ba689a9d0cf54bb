"""Whatever the key, plain Python, SQL in DuckDB and the bulk hash give the same name and the same UUID."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transformer.engine import Engine
from services.transformer.hashing import uuid_texts
from services.transformer.statements import open_connection
from shared.core.keys import canonical_text, content_part, key_name, key_uuid, legacy_key
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from tests.transforming.mappings import NAMESPACE, TYPES, Options, compiled, transformed

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
OLD_LETTERS = TEXTS.filter(
    lambda text: all(unicodedata.category(letter) != "Cn" and ord(letter) < 0x1C80 for letter in text)
)
"""Letters that every version of Unicode in use lower-cases alike."""
MOMENTS = st.datetimes().map(
    lambda moment: moment.isoformat(" ").rstrip("0") if moment.microsecond else moment.isoformat(" ")
)
BY_FORM = {
    CanonicalForm.INTEGER: ("bigint", st.integers(-(2**63), 2**63 - 1).map(str)),
    CanonicalForm.TEXT: ("text", TEXTS),
    CanonicalForm.CASELESS: ("text", OLD_LETTERS),
    CanonicalForm.PADDED: ("char(3)", TEXTS),
    CanonicalForm.BOOLEAN: ("boolean", st.sampled_from("tf")),
    CanonicalForm.NUMERIC: ("numeric", st.decimals(-9999, 9999, places=3).map(lambda number: f"{number:f}")),
    CanonicalForm.UUID: ("uuid", st.uuids().map(str)),
    CanonicalForm.DATE: ("date", st.dates().map(str)),
    CanonicalForm.TIMESTAMP: ("timestamp", MOMENTS),
    CanonicalForm.TIMESTAMPTZ: ("timestamptz", MOMENTS.map(lambda moment: f"{moment}+00")),
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = open_connection()
    opened.execute("set variable namespace = $1::blob", [NAMESPACE.bytes])
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None)
@given(names=st.lists(TEXTS.map("people:{}".format), min_size=1, max_size=20), namespace=st.uuids())
def test_three_implementations_of_the_hash_agree(
    connection: duckdb.DuckDBPyConnection, names: list[str], namespace: uuid.UUID
) -> None:
    connection.execute("set variable namespace = $1::blob", [namespace.bytes])
    expected = [str(key_uuid(namespace, name)) for name in names]
    assert expected == [str(uuid.uuid5(namespace, name)) for name in names]
    assert uuid_texts(pl.Series(names).to_arrow(), namespace).to_list() == expected
    assert [connection.execute("select key_uuid($1)::text", [name]).fetchall()[0][0] for name in names] == expected


@pytest.mark.parametrize("form", BY_FORM)
def test_a_reference_is_its_parents_key_however_it_is_computed(form: CanonicalForm) -> None:
    kind, texts = BY_FORM[form]
    part = KeyPartType(type_name=TYPES[kind].name, duck_type="", form=form)
    parent = KeySignature(mapping="parent", key_domain="par|ent", parts=(part,))
    columns = {
        "plain": ("uuid", "ref('parent', p.v)"),
        "typed": ("uuid", "ref('parent', coalesce(p.v, NULL))"),
        "inner": ("text", "CAST(ref('parent', p.v) AS VARCHAR)"),
        "nested": ("uuid", "CASE WHEN p.v IS NOT NULL THEN ref('parent', p.v) END"),
    }
    mapping = compiled({"v": kind}, columns, Options(parents={"parent": parent}))
    engine = Engine()

    @settings(max_examples=25, deadline=None)
    @given(values=st.lists(texts, min_size=1, max_size=20))
    def check(values: list[str]) -> None:
        expected = [key_uuid(NAMESPACE, key_name("par|ent", [canonical_text(form, value)])) for value in values]
        body = transformed(engine, mapping, [(value,) for value in values])
        assert body.row_count == len(values)
        assert [_uuids(row) for row in _tuples(body.rows, 4)] == [[found] * 4 for found in expected]

    try:
        check()
    finally:
        engine.close()


def test_rows_without_identity_are_keyed_by_their_content() -> None:
    columns = {"id": ("uuid", "key()"), "a": ("text", "p.a")}
    mapping = compiled({"a": "text", "b": "text"}, columns, Options(content_key=True))
    engine = Engine()

    @settings(max_examples=25, deadline=None)
    @given(rows=st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), min_size=1, max_size=10))
    def check(rows: list[tuple[str | None, ...]]) -> None:
        body = transformed(engine, mapping, rows)
        expected = [legacy_key([content_part(row), str(number)]) for number, row in enumerate(rows, start=1)]
        assert list(body.legacy_keys) == expected
        keys = [body.target_keys[at : at + 16] for at in range(0, len(body.target_keys), 16)]
        assert keys == [key_uuid(NAMESPACE, f"people:{key}").bytes for key in expected]

    try:
        check()
    finally:
        engine.close()


def _tuples(rows: bytes, width: int) -> Iterator[list[bytes]]:
    at = 19
    while int.from_bytes(rows[at : at + 2], "big", signed=True) == width:
        at += 2
        fields = []
        for _ in range(width):
            size = int.from_bytes(rows[at : at + 4], "big", signed=True)
            fields.append(rows[at + 4 : at + 4 + size])
            at += 4 + size
        yield fields


def _uuids(fields: list[bytes]) -> list[uuid.UUID]:
    return [uuid.UUID(bytes=field) if len(field) == 16 else uuid.UUID(field.decode()) for field in fields]
