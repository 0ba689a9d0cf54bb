"""The sample plans leave nothing of their databases out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from services.extractor.compilation import describe
from shared.plan.coverage import Fate, coverage, parts_of_plan
from shared.plan.reader import read_plan
from shared.postgres.introspection import read_catalog
from tests.conftest import DatabaseFactory
from tests.integration.plan.test_sample_plans import CreateTarget
from transfuse.samples.portal.target import create_target as create_portal_target
from transfuse.samples.synthea.load import create_target as create_synthea_target

PLANS = Path(__file__).parents[3] / "plans"


@pytest.mark.parametrize(
    ("name", "schema", "create_target"),
    (
        ("portal", "legacy_schema.sql", create_portal_target),
        ("synthea", "legacy.sql", create_synthea_target),
    ),
)
async def test_every_table_of_a_sample_has_its_fate_and_every_column_goes_somewhere(
    name: str, schema: str, create_target: CreateTarget, new_database: DatabaseFactory
) -> None:
    plan = read_plan(PLANS / name)
    target_url = await new_database("coverage_target")
    await create_target(target_url)
    legacy = await asyncpg.connect(await new_database("coverage_legacy"))
    target = await asyncpg.connect(target_url)
    try:
        await legacy.execute(files(f"transfuse.samples.{name}").joinpath(schema).read_text(encoding="utf-8"))
        source, written = await read_catalog(legacy, plan.source_schema), await read_catalog(target, plan.target_schema)
        async with legacy.transaction():
            parts = parts_of_plan(plan, source, await describe(legacy, plan))
    finally:
        await legacy.close()
        await target.close()
    found = coverage(plan, parts, source, written, ())
    assert [table.table for table in found.tables if not table.complete] == []
    assert [one.table for one in found.targets if not one.complete] == []
    assert found.complete
    mapped = {table.table for table in found.tables if table.fate is Fate.MAPPED}
    assert len(mapped) == len({part.clause.driving for part in parts})
