"""What stops a batch or a run instead of changing a value."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import polars as pl
import pyarrow as pa
import pytest

from services.transformer.batches import SecretMissing, namespace_of
from services.transformer.decode import decode
from services.transformer.encode import encode_binary, encode_csv
from services.transformer.engine import Engine
from services.transformer.statements import open_connection
from shared.core.errors import BatchError, RunError
from shared.core.states import Encoding
from shared.plan.compiled import CompiledPlan, TargetColumn
from tests.transforming.mappings import NAMESPACE, VALUES, Options, compiled, copied_csv, transformed

NAMES = ("k0", "c0", "c1")


def test_null_and_the_empty_text_stay_apart() -> None:
    rows = [("1", "", None), ("2", None, ""), ("3", 'a"b,c', "two\nlines"), ("4", "\\.", "NULL")]
    assert decode(copied_csv(rows), NAMES, 4).rows() == rows


def test_an_empty_batch_has_no_rows_and_still_its_columns(engine: Engine) -> None:
    mapping = compiled({"a": "text"}, {"id": ("uuid", "key()"), "v": ("jsonb", "rest()")})
    body = transformed(engine, mapping, [])
    assert (body.row_count, body.target_keys, body.legacy_keys, body.refused) == (0, b"", (), ())
    assert body.rows == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"


def test_rows_that_copy_counted_and_nobody_finds_fail_the_batch() -> None:
    with pytest.raises(BatchError, match="COPY counted 3 rows and 2 were decoded"):
        decode(copied_csv([("1", "a", "b"), ("2", "a", "b")]), NAMES, 3)


def test_a_body_that_is_no_such_csv_stops_the_run_without_a_word_of_it() -> None:
    with pytest.raises(RunError) as raised:
        decode(b"1,Secret,x,y,z\n", NAMES, 1)
    assert "Secret" not in str(raised.value)


@pytest.mark.parametrize(("content", "reason"), ((None, "is NULL"), ("1", "comes twice")))
def test_a_key_that_is_null_or_comes_twice_stops_the_run(engine: Engine, content: str | None, reason: str) -> None:
    mapping = compiled({"a": "text"}, {"v": ("text", "p.a")})
    source = decode(copied_csv([("1", "x"), (content, "y")]), ("k0", "c0"), 2)
    with pytest.raises(RunError, match=reason):
        engine.transform(mapping, source, VALUES)


def test_an_arrow_type_that_is_not_the_encoders_stops_the_run() -> None:
    column = TargetColumn(name="v", type_name="double precision", oid=701, encoder="float8")
    with pytest.raises(RunError, match="column v came as int64 for the encoder float8"):
        encode_binary(pa.table({"v": pa.array([1])}), (column,))
    with pytest.raises(RunError, match="there is no binary encoder interval"):
        encode_binary(pa.table({"v": pa.array([1])}), (msgspec.structs.replace(column, encoder="interval"),))


def test_csv_quotes_every_text_and_no_null() -> None:
    assert encode_csv(pa.table({"a": ["", None, "\\.", 'q"x']})) == b'""\n\n"\\."\n"q""x"\n'


def test_the_namespace_may_be_a_secret_of_the_environment(tmp_path: Path) -> None:
    plan = CompiledPlan(
        name="x",
        hash="",
        namespace="",
        namespace_secret="clinic",
        keys="uuid5",
        transfuse_version="",
        duckdb_version="",
        source_fingerprint="",
        target_fingerprint="",
        mappings=(),
    )
    path = tmp_path / "namespace"
    path.write_text(f"{NAMESPACE}\n", encoding="utf-8")
    assert namespace_of(plan, {"PLAN_SECRET_CLINIC": str(NAMESPACE)}) == NAMESPACE
    assert namespace_of(plan, {"PLAN_SECRET_CLINIC_FILE": str(path)}) == NAMESPACE
    for environ in ({}, {"PLAN_SECRET_CLINIC": "hunter2"}, {"PLAN_SECRET_CLINIC_FILE": str(tmp_path / "none")}):
        with pytest.raises(SecretMissing) as raised:
            namespace_of(plan, environ)
        assert "hunter2" not in str(raised.value)
    assert namespace_of(msgspec.structs.replace(plan, namespace_secret="", namespace=str(UUID(int=1))), {}) == UUID(
        int=1
    )


@pytest.mark.parametrize(
    "statement",
    (
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/out.csv'",
        "set threads = 4",
        "set enable_external_access = true",
        "attach '/tmp/other.db'",
        "install httpfs",
    ),
)
def test_the_database_reads_no_file_and_keeps_its_settings(statement: str) -> None:
    connection = open_connection()
    try:
        with pytest.raises(Exception, match=r"disabled|locked|Cannot"):
            connection.execute(statement)
    finally:
        connection.close()


def test_rows_come_back_in_their_order_whatever_the_statement(engine: Engine) -> None:
    mapping = compiled({"n": "integer"}, {"n": ("integer", "CASE WHEN p.n % 3 = 0 THEN -p.n ELSE p.n END")})
    body = transformed(engine, mapping, [(str(number),) for number in range(10_000)])
    assert body.legacy_keys == tuple(str(number) for number in range(1, 10_001))
    values = [number if number % 3 else -number for number in range(10_000)]
    fields = pl.Series(values, dtype=pl.Int32)
    expected = b"".join(b"\x00\x01\x00\x00\x00\x04" + int(value).to_bytes(4, "big", signed=True) for value in fields)
    assert body.rows[19:-2] == expected


def test_the_same_batch_gives_the_same_bytes_whenever_it_is_transformed(engine: Engine) -> None:
    columns = {"id": ("uuid", "key()"), "at": ("timestamptz", "now()"), "v": ("text", "clean(p.a)")}
    mapping = compiled({"a": "text"}, columns, Options(required=("v",)))
    rows = [(" x ",), (None,), ("y\u200b",)]
    assert transformed(engine, mapping, rows) == transformed(engine, mapping, rows)
    assert mapping.transform.encoding is Encoding.BINARY
    assert VALUES.snapshot_at < datetime.now(UTC)
