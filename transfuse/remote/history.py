"""Migrations by name and runs by age, page by page as the API gives them."""

from __future__ import annotations

import heapq
from typing import Final
from uuid import UUID

from services.gateway.documents.migrations import MigrationDocument, MigrationList
from services.gateway.documents.runs import RunDocument
from shared.core.document import Document
from transfuse.remote.client import ApiClient

PAGE: Final = 100


class RunPage(Document, frozen=True, kw_only=True):
    """A part of a migration's history."""

    runs: tuple[RunDocument, ...]
    next_cursor: str | None = None


async def named(api: ApiClient, name: str) -> MigrationDocument | None:
    """The migration of exactly that name."""
    query = {"search": name, "limit": str(PAGE)}
    while True:
        page = await api.get("/api/migrations", MigrationList, query=query)
        found = next((one for one in page.migrations if one.name == name), None)
        if found is not None or page.next_cursor is None:
            return found
        query["cursor"] = page.next_cursor


async def runs_of(api: ApiClient, migration: UUID, limit: int) -> list[RunDocument]:
    """The youngest runs of one migration, youngest first."""
    runs, query = list[RunDocument](), {"limit": str(min(limit, PAGE))}
    while True:
        page = await api.get(f"/api/migrations/{migration}/runs", RunPage, query=query)
        runs += page.runs
        if len(runs) >= limit or page.next_cursor is None:
            return runs[:limit]
        query["cursor"] = page.next_cursor


async def youngest_runs(api: ApiClient, limit: int) -> list[RunDocument]:
    """The youngest runs of all migrations: they belong to those whose last runs are the youngest."""
    found = list[RunDocument]()
    for migration in await _youngest_migrations(api, limit):
        last = migration.last_run
        if last is None or (len(found) == limit and _age(last) <= _age(found[-1])):
            break
        runs = [last] if limit == 1 else await runs_of(api, migration.id, limit)
        found = heapq.nlargest(limit, found + runs, key=_age)
    return found


async def _youngest_migrations(api: ApiClient, limit: int) -> list[MigrationDocument]:
    migrations, query = list[MigrationDocument](), {"sort": "-lastRun", "limit": str(min(limit, PAGE))}
    while True:
        page = await api.get("/api/migrations", MigrationList, query=query)
        migrations += page.migrations
        if len(migrations) >= limit or page.next_cursor is None:
            return migrations[:limit]
        query["cursor"] = page.next_cursor


def _age(run: RunDocument) -> tuple[float, int]:
    return run.created_at.timestamp(), run.id.int
