"""No statement that the legacy server is sent needs more than PostgreSQL 9.5.

No server of that version was at hand: statements are held against a list of what came later (functions, settings,
names of the catalogue, syntax), and the plans' clauses are read by the same checks that refuse an author's.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from shared.plan.allow import AFTER_9_5
from shared.plan.reader import read_plan
from tests.conftest import DatabaseFactory
from tests.integration.plan.after_9_5 import newer_than_9_5
from tests.integration.plan.legacy_statements import OF_THE_TARGET, blocks, generated
from tests.integration.plan.test_sample_plans import PLANS, SAMPLES, CreateTarget, compile_on

LATER = (
    "select attidentity from pg_attribute",
    "select num_nulls(a, b) from t",
    "select pg_current_xact_id()",
    "select c.relispartition from pg_class c",
    "select * from pg_sequences",
    "alter table t add column if not exists a integer",
    "select * from json_table(a, '$' columns (b integer path '$.b'))",
    "set local jit = off",
    "set max_parallel_workers_per_gather to 0",
    "with a as materialized (select 1) select * from a",
    "select current_setting('a.b', true)",
    "select regexp_match(a, 'b') from t",
    "select a from t fetch first 3 rows with ties",
    "explain (format json, settings) select 1",
    "select a::jsonpath from t",
    "select any_value(a) from t",
)


@pytest.mark.parametrize("statement", LATER)
def test_the_list_knows_what_came_later(statement: str) -> None:
    assert list(newer_than_9_5(statement))


def test_what_stands_in_a_constant_or_a_comment_is_no_syntax() -> None:
    assert list(newer_than_9_5("select to_jsonb(a) ->> 'attidentity' -- num_nulls(a)\nfrom t")) == []
    assert "num_nulls" in AFTER_9_5


def test_every_block_for_the_legacy_server_is_within_9_5() -> None:
    found = blocks()
    assert len(found) > 20
    assert not [name for name in found if name.rpartition(" ")[2] in OF_THE_TARGET]
    assert {name: list(newer_than_9_5(text)) for name, text in found.items() if any(newer_than_9_5(text))} == {}


@pytest.mark.parametrize(("name", "schema", "search_path", "create_target"), SAMPLES)
async def test_every_statement_of_a_sample_plan_is_within_9_5(
    name: str, schema: str, search_path: str, create_target: CreateTarget, new_database: DatabaseFactory
) -> None:
    plan = read_plan(Path(PLANS) / name)
    target_url = await new_database("front_target")
    await create_target(target_url)
    legacy = await asyncpg.connect(await new_database("front_legacy"))
    try:
        await legacy.execute(files(f"transfuse.samples.{name}").joinpath(schema).read_text(encoding="utf-8"))
        await legacy.execute(f'set search_path to "{search_path}"')
        statements = generated(plan, await compile_on(legacy, target_url, plan))
    finally:
        await legacy.close()
    assert len(statements) > 10 * len(plan.mappings)
    assert {name: list(newer_than_9_5(text)) for name, text in statements.items() if any(newer_than_9_5(text))} == {}
