"""Holds a plan against both databases from the command line, with the extractor's own eyes and rights."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import asyncpg
import msgspec

from services.extractor.compilation import Compilation, check_from_clauses, compile_run, describe
from services.extractor.preflight import check_legacy, check_target
from shared.core.checks import Check
from shared.plan.compile import key_signatures
from shared.plan.keys import KeySignature
from shared.plan.model import Plan
from shared.postgres.introspection import read_catalog
from shared.postgres.pools import Session, connect
from shared.settings.service import Ledger, Legacy
from transfuse.embedded.databases import databases_running
from transfuse.workspace import Workspace


class BothDatabases(msgspec.Struct, frozen=True, kw_only=True):
    """The two databases that a plan speaks of; the ledger is in the target."""

    legacy: Legacy
    ledger: Ledger


async def compiled_here(workspace: Workspace, plan: Plan) -> Compilation:
    """The plan compiled against both catalogues, its FROM clauses proven. Raises PlanRefused and as `connect` does."""
    async with both_connections(workspace) as (legacy, target):
        compilation = await compile_run(plan.files, legacy, target, transfuse_version=version("transfuse"))
        await check_from_clauses(legacy, compilation)
        return compilation


async def signatures_here(workspace: Workspace, plan: Plan) -> dict[str, KeySignature]:
    """How the key of each mapping is written, by the types of the legacy columns. Raises PlanRefused."""
    async with both_connections(workspace) as (legacy, _target):
        source = await read_catalog(legacy, plan.source_schema)
        return key_signatures(plan, source, await describe(legacy, plan))


async def preflight_checks(workspace: Workspace, plan: Plan) -> list[Check]:
    """What must be well before a run, each with its fix. Raises PlanRefused for a plan that does not compile."""
    async with both_connections(workspace) as (legacy, target):
        compilation = await compile_run(plan.files, legacy, target, transfuse_version=version("transfuse"))
        checks = await check_legacy(legacy, compilation.compiled, compilation.source)
        return [*checks, *await check_target(target, compilation.compiled)]


@asynccontextmanager
async def both_connections(workspace: Workspace) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    async with databases_running(workspace, os.environ):
        settings = workspace.load(BothDatabases, "extractor", os.environ)
        legacy = await connect(settings.legacy, "legacy", Session(read_only=True))
        try:
            target = await connect(settings.ledger, "target", Session())
            try:
                async with legacy.transaction(isolation="repeatable_read", readonly=True):
                    yield legacy, target
            finally:
                await target.close()
        finally:
            await legacy.close()
