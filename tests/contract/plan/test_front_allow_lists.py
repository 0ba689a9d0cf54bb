"""The two committed lists of functions against the pinned DuckDB and a real server."""

from __future__ import annotations

import asyncpg
import pytest

from shared.plan import allow
from shared.plan.functions import FUNCTIONS
from shared.postgres.sql_files import load_sql


def test_duckdbs_list_is_what_the_pinned_version_and_the_rule_give() -> None:
    assert allow.duckdb_functions() == allow.sound_duckdb_functions()


@pytest.mark.parametrize(
    "name",
    (
        "current_setting", "getvariable", "random", "uuid", "gen_random_uuid", "nextval", "read_text", "read_csv",
        "glob", "getenv", "error", "sleep_ms", "write_log", "current_database", "hash", "txid_current", "setseed",
        "json_execute_serialized_sql", "json_serialize_sql", "query", "sum", "list", "unnest", "which_secret",
    ),
)  # fmt: skip
def test_a_function_that_reads_more_than_its_arguments_is_not_on_duckdbs_list(name: str) -> None:
    assert name not in allow.duckdb_functions()


def test_our_own_functions_do_not_hide_duckdbs() -> None:
    assert not set(FUNCTIONS) & allow.duckdb_functions()


async def test_every_function_on_postgresqls_list_is_immutable_or_stable_there(postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        rows = await connection.fetch(load_sql("shared.plan.allow", "postgres.sql")["sound_functions"])
    finally:
        await connection.close()
    sound = {row["proname"] for row in rows if allow.postgres_function_allowed(row["proname"])}
    assert allow.postgres_functions() <= sound


@pytest.mark.parametrize(
    "name",
    (
        "pg_sleep", "pg_read_file", "pg_terminate_backend", "pg_advisory_lock", "current_setting", "set_config",
        "nextval", "setval", "lo_import", "dblink", "query_to_xml", "table_to_xml", "cursor_to_xml", "txid_current",
        "random", "clock_timestamp", "ts_stat", "ts_rewrite", "has_table_privilege", "gen_random_uuid", "version",
    ),
)  # fmt: skip
def test_a_function_with_side_effects_or_secrets_is_not_on_postgresqls_list(name: str) -> None:
    assert name not in allow.postgres_functions()
