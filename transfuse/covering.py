"""Holds a plan against both databases for what it leaves out, and reads both catalogues for a first plan."""

from __future__ import annotations

import asyncio

import asyncpg

from services.extractor.compilation import describe
from services.extractor.source_errors import STATEMENT_ERRORS
from shared.core.errors import Refused
from shared.plan.coverage import Coverage, check_sides, coverage, parts_of_plan
from shared.plan.met_codes import BookCoverage, CodeUse, book_coverage, untold, uses_of_plan
from shared.plan.model import Codebook, Plan
from shared.plan.questions import without_questions
from shared.postgres.catalog import Catalog
from shared.postgres.introspection import read_catalog
from transfuse.compiling import both_connections
from transfuse.workspace import Workspace

Rows = list[tuple[str | int | None, ...]]


async def coverage_here(workspace: Workspace, plan: Plan, *, rare: bool = False) -> Coverage:
    """What a plan leaves out of the workspace's databases. Raises PlanRefused, FromRefused, Refused (`not_readable`).

    Open questions of a draft count as not written. With `rare` codes met in fewer than 5 rows are named too.
    """
    plan = without_questions(plan)
    async with both_connections(workspace) as (legacy, target):
        source = await read_catalog(legacy, plan.source_schema)
        written = await read_catalog(target, plan.target_schema)
        await asyncio.to_thread(check_sides, plan, source)
        # It sets the search path too, which the statements below need.
        described = await describe(legacy, plan)
        parts = await asyncio.to_thread(parts_of_plan, plan, source, described)
        uses = uses_of_plan(plan, {part.mapping.name: (part.clause, part.aliases) for part in parts})
        codes = [await _codes(legacy, use, plan.codebooks[use.book], rare=rare) for use in uses]
    return coverage(plan, parts, source, written, codes)


async def catalogs_here(workspace: Workspace, source_schema: str, target_schema: str) -> tuple[Catalog, Catalog]:
    """Both catalogues of a workspace. Raises Refused for a schema that is not there."""
    async with both_connections(workspace) as (legacy, target):
        return await read_catalog(legacy, source_schema), await read_catalog(target, target_schema)


async def _codes(legacy: asyncpg.Connection, use: CodeUse, book: Codebook, *, rare: bool) -> BookCoverage:
    if not use.statement:
        return untold(use, book)
    return await asyncio.to_thread(book_coverage, use, book, await _met(legacy, use), rare=rare)


async def _met(legacy: asyncpg.Connection, use: CodeUse) -> Rows:
    try:
        async with legacy.transaction():
            return [tuple(row) for row in await legacy.fetch(use.statement)]
    except STATEMENT_ERRORS as error:
        raise Refused(
            f"The codes of {use.mapping}.{use.column} cannot be read (SQLSTATE {getattr(error, 'sqlstate', None)}).",
            remedy="`transfuse preflight PLAN` says which right is missing and how to grant it.",
            code="not_readable",
        ) from error
