"""Lists of plans: the newest version of each, and all versions of one."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.api.surroundings import Surroundings
from services.gateway.documents.cursor import cursor_of, place_of
from services.gateway.documents.plan_lists import (
    PlanCursor,
    PlanList,
    PlansQuery,
    PlanSummary,
    PlanVersionDocument,
    PlanVersionList,
    VersionCursor,
    VersionsQuery,
)
from services.gateway.documents.plans import PlanPath
from shared.identity.permissions import Permission
from shared.ledger.plans import NewestPlan


async def list_plans(call: Call[Nothing, PlansQuery, None]) -> PlanList:
    """The newest version of every plan, by name."""
    query = call.query
    after = place_of(query.cursor, PlanCursor).after if query.cursor else None
    found = await call.api.plans.newest(after=after, limit=query.limit + 1)
    shown = found[: query.limit]
    return PlanList(
        plans=tuple([await _summary(call.api, newest) for newest in shown]),
        next_cursor=cursor_of(PlanCursor(after=shown[-1].name)) if len(found) > query.limit else None,
    )


async def list_versions(call: Call[PlanPath, VersionsQuery, None]) -> PlanVersionList:
    query = call.query
    before = place_of(query.cursor, VersionCursor).before if query.cursor else None
    found = await versions_of(call.api, call.path.name, before=before, limit=query.limit)
    if not found.versions:
        await call.api.plans.read(call.path.name)  # which says so if there is no such plan
    return found


async def versions_of(api: Surroundings, name: str, *, before: int | None = None, limit: int) -> PlanVersionList:
    """Versions of a plan, the newest first, from the one below `before`."""
    found = await api.plans.versions(name, before=before, limit=limit + 1)
    shown = found[:limit]
    return PlanVersionList(
        versions=tuple(PlanVersionDocument(**msgspec.structs.asdict(version)) for version in shown),
        next_cursor=cursor_of(VersionCursor(before=shown[-1].version)) if len(found) > limit else None,
    )


async def _summary(api: Surroundings, newest: NewestPlan) -> PlanSummary:
    count = newest.mapping_count
    if count is None:
        stored = await api.plans.read(newest.name, newest.version)
        plan = (await api.inspections.inspect(stored.files)).plan
        count = None if plan is None else len(plan.mappings)
    return PlanSummary(
        name=newest.name, version=newest.version, hash=newest.hash, created_at=newest.created_at, mappings=count
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/plans",
        operation_id="listPlans",
        permission=Permission.MIGRATION_READ,
        summary="The newest version of every plan",
        tag=Tag.PLANS,
        handler=list_plans,
        query=PlansQuery,
        answer=PlanList,
    ),
    Endpoint(
        method="GET",
        path="/api/plans/{name}/versions",
        operation_id="listPlanVersions",
        permission=Permission.MIGRATION_READ,
        summary="The versions of a plan, the newest first",
        tag=Tag.PLANS,
        handler=list_versions,
        parameters=PlanPath,
        query=VersionsQuery,
        answer=PlanVersionList,
        also={HTTPStatus.NOT_FOUND: None},
    ),
)
