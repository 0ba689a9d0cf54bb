from __future__ import annotations

import duckdb
import pytest

from shared.plan import scratch


def test_the_same_text_over_other_types_has_its_own_type() -> None:
    assert scratch.type_of('coalesce("c0", "c1")', {"c0": "INTEGER", "c1": "INTEGER"}) == "INTEGER"
    assert scratch.type_of('coalesce("c0", "c1")', {"c0": "INTEGER", "c1": "DOUBLE"}) == "DOUBLE"
    assert scratch.type_of('coalesce("c7", "c9")', {"c7": "INTEGER", "c9": "INTEGER"}) == "INTEGER"


def test_texts_and_fields_that_are_named_like_columns_are_none() -> None:
    columns = {"c1": "INTEGER", "c2": "DATE"}
    assert scratch.type_of("struct_pack(c1 := 'a', c2 := 1)", columns) == "STRUCT(c1 VARCHAR, c2 INTEGER)"
    assert scratch.type_of("struct_pack(c2 := 'a', c1 := 1)", columns) == "STRUCT(c2 VARCHAR, c1 INTEGER)"
    assert scratch.type_of("struct_pack(c1 := 'a', c2 := 1).c1", columns) == "VARCHAR"
    assert scratch.type_of("struct_pack(c1 := 'a', c2 := 1).c2", columns) == "INTEGER"
    assert scratch.type_of("'c2'", columns) == "VARCHAR"


def test_constants_that_are_asked_for_together_have_the_types_they_have_alone() -> None:
    constants = ["'text'", "1", "1.5", "true", "NULL"]
    scratch.type_all(constants)
    assert [scratch.type_of(sql, {}) for sql in constants] == [
        "VARCHAR",
        "INTEGER",
        "DECIMAL(2,1)",
        "BOOLEAN",
        "INTEGER",
    ]


def test_what_fails_only_when_it_runs_fails_when_it_is_run() -> None:
    columns = {"c0": "VARCHAR"}
    statement = "select regexp_matches(c0, '(') from shape"
    with pytest.raises(duckdb.Error):
        scratch.run("shape", columns, statement)
    scratch.run("shape", columns, "select phone(c0, 'US') from shape")
