"""A first plan of the sample databases: once its questions are answered, it compiles."""

from __future__ import annotations

from importlib.resources import files
from uuid import UUID

import asyncpg
import pytest

from shared.plan.checks import check_plan
from shared.plan.draft import draft_plan
from shared.plan.position import PlanRefused
from shared.plan.reader import plan_of_files
from shared.postgres.introspection import read_catalog
from tests.conftest import DatabaseFactory
from tests.integration.plan.test_sample_plans import CreateTarget, compile_on
from transfuse.samples.portal.target import create_target as create_portal_target
from transfuse.samples.synthea.load import create_target as create_synthea_target

NAMESPACE = UUID("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10")


def answered(text: str) -> str:
    """The plan with an answer to every question: columns are NULL, tables stay behind."""
    columns, _, tables = text.partition("\nunmapped:")
    return columns.replace(': "?"', ': "NULL"') + "\nunmapped:" + tables.replace('"?"', "stays behind")


@pytest.mark.parametrize(
    ("name", "schema", "source_schema", "create_target", "most_unmapped"),
    (
        ("portal", "legacy_schema.sql", "public", create_portal_target, 45),
        ("synthea", "legacy.sql", "synthea", create_synthea_target, 1),
    ),
)
async def test_a_draft_of_a_sample_asks_questions_and_compiles_when_they_are_answered(
    name: str,
    schema: str,
    source_schema: str,
    create_target: CreateTarget,
    most_unmapped: int,
    new_database: DatabaseFactory,
) -> None:
    target_url = await new_database("draft_target")
    await create_target(target_url)
    legacy = await asyncpg.connect(await new_database("draft_legacy"))
    target = await asyncpg.connect(target_url)
    try:
        await legacy.execute(files(f"transfuse.samples.{name}").joinpath(schema).read_text(encoding="utf-8"))
        await legacy.execute(f'set search_path to "{source_schema}"')
        source, written = await read_catalog(legacy, source_schema), await read_catalog(target, "public")
        draft = draft_plan(name, NAMESPACE, source, written)
        with pytest.raises(PlanRefused) as refused:
            check_plan(plan_of_files({"plan.yml": draft.text}))
        assert all("is still a question" in problem.message for problem in refused.value.problems)
        assert len(refused.value.problems) == draft.questions
        plan = plan_of_files({"plan.yml": answered(draft.text)})
        assert len(plan.unmapped) <= most_unmapped
        compiled = await compile_on(legacy, target_url, plan)
        assert len(compiled.mappings) == draft.mappings > 10
    finally:
        await legacy.close()
        await target.close()
