"""The plans that come with the project, held against the sample databases' real schemas."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from shared.plan.checks import check_plan
from shared.plan.compile import check_sources, compile_plan
from shared.plan.compiled import CompiledPlan
from shared.plan.describe import describe_statements
from shared.plan.model import Plan
from shared.plan.reader import read_plan
from shared.plan.source_sql import count_driving_sql, count_rows_sql, explain_pair, repeated_key_sql
from shared.postgres.catalog import ColumnType
from shared.postgres.introspection import read_catalog, read_types
from tests.conftest import DatabaseFactory
from transfuse.samples.portal.target import create_target as create_portal_target
from transfuse.samples.synthea.load import create_target as create_synthea_target

PLANS = Path(__file__).parents[3] / "plans"
CreateTarget = Callable[[str], Awaitable[None]]
SAMPLES = (
    ("portal", "legacy_schema.sql", "public", create_portal_target),
    ("synthea", "legacy.sql", "synthea", create_synthea_target),
)
"""Each sample: its name, the file of its legacy schema, the schema's name, and how its target is made."""


async def compile_on(legacy: asyncpg.Connection, target_url: str, plan: Plan) -> CompiledPlan:
    source = await read_catalog(legacy, plan.source_schema)
    check_sources(plan, source)
    target = await asyncpg.connect(target_url)
    try:
        written = await read_catalog(target, plan.target_schema)
    finally:
        await target.close()
    described: dict[str, dict[str, dict[str, ColumnType]]] = {}
    for name, statements in describe_statements(plan).items():
        described[name] = {}
        for alias, statement in statements.items():
            attributes = (await legacy.prepare(statement)).get_attributes()
            types = await read_types(legacy, [(attribute.type.oid, -1) for attribute in attributes])
            described[name][alias] = {column.name: found for column, found in zip(attributes, types, strict=True)}
    return compile_plan(plan, source, written, described, transfuse_version="0.1.0")


@pytest.mark.parametrize(("name", "schema", "search_path", "create_target"), SAMPLES)
async def test_a_sample_plan_compiles_and_what_runs_means_what_was_written(
    name: str,
    schema: str,
    search_path: str,
    create_target: CreateTarget,
    new_database: DatabaseFactory,
) -> None:
    plan = read_plan(PLANS / name)
    assert check_plan(plan) == ()
    target_url = await new_database("front_target")
    await create_target(target_url)
    legacy = await asyncpg.connect(await new_database("front_legacy"))
    try:
        await legacy.execute(files(f"transfuse.samples.{name}").joinpath(schema).read_text(encoding="utf-8"))
        await legacy.execute(f'set search_path to "{search_path}"')
        compiled = await compile_on(legacy, target_url, plan)
        for mapping in compiled.mappings:
            author, ours = explain_pair(mapping.source, plan.mapping(mapping.name).from_.value)
            assert await legacy.fetch(author) == await legacy.fetch(ours)
            assert await legacy.fetchval(count_driving_sql(mapping.source)) == 0
            assert await legacy.fetchval(count_rows_sql(mapping.source)) == 0
            repeated = repeated_key_sql(mapping.source)
            assert repeated is None or await legacy.fetchval(repeated) is None
    finally:
        await legacy.close()
