from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from shared.plan import parser, scratch
from shared.plan.process_database import ProcessDatabase


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


@pytest.mark.parametrize(
    "statement",
    (
        "select * from read_text('/etc/hostname')",
        "copy (select 1) to 'x.csv'",
        "set memory_limit = '1TB'",
        "set temp_directory = '.'",
        "set TimeZone = 'Asia/Tokyo'",
    ),
)
def test_the_database_that_tries_expressions_opens_nothing_and_keeps_its_settings(statement: str) -> None:
    with pytest.raises(duckdb.Error, match=r"disabled|locked"):
        scratch.run("shape", {"c0": "VARCHAR"}, statement)


def test_every_thread_tries_expressions_under_the_settings_of_a_run() -> None:
    def settings() -> object:
        asked = (f"current_setting('{name}')" for name in ("TimeZone", "disabled_optimizers", "memory_limit"))
        return scratch._fetched(f"select {', '.join(asked)}")

    with ThreadPoolExecutor(1) as other:
        assert settings() == other.submit(settings).result() == [("UTC", "common_subexpressions", "244.1 MiB")]


@pytest.mark.parametrize("database", (scratch._database, parser._database))
def test_a_plan_that_breaks_the_database_breaks_it_for_no_other_plan(database: ProcessDatabase) -> None:
    with database.connection() as connection:
        before = connection
    with pytest.raises(duckdb.InternalException), database.connection():
        raise duckdb.InternalException
    with database.connection() as connection:
        assert connection is not before
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert scratch.type_of("c0", {"c0": "DATE"}) == "DATE"
    assert parser.serialized(["select 1"])
