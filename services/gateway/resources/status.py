"""How far a migration or a run is, how fast, and which runs there were."""

from __future__ import annotations

from datetime import UTC

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import bad_request
from services.gateway.documents.cursor import cursor_of, place_of
from services.gateway.documents.migrations import MigrationPath
from services.gateway.documents.runs import RunPath
from services.gateway.documents.status import RunCursor, RunList, RunsQuery, ThroughputBucket, ThroughputDocument
from services.gateway.resources.runs import documents_with_outcomes
from shared.identity.permissions import Permission
from shared.ledger.history import RunPlace
from shared.ledger.throughput import Throughput
from shared.status.document import RunStatus

SECONDS_PER_MINUTE = 60


async def read_migration_status(call: Call[MigrationPath, Nothing, None]) -> RunStatus:
    return await call.api.statuses.of_migration(call.path.id)


async def read_run_status(call: Call[RunPath, Nothing, None]) -> RunStatus:
    return await call.api.statuses.of_run(call.path.id)


async def list_runs(call: Call[MigrationPath, RunsQuery, None]) -> RunList:
    query = call.query
    page = await call.api.history.page(
        call.path.id,
        after=_place(query.cursor),
        kinds=None if query.kind is None else (query.kind,),
        limit=query.limit,
    )
    following = page.following
    return RunList(
        runs=await documents_with_outcomes(call.api, page.runs),
        next_cursor=None if following is None else cursor_of(RunCursor(at=following.at, id=following.id)),
    )


async def read_throughput(call: Call[RunPath, Nothing, None]) -> ThroughputDocument:
    return _document(await call.api.throughputs.read(call.path.id))


def _place(cursor: str) -> RunPlace | None:
    if not cursor:
        return None
    place = place_of(cursor, RunCursor)
    try:
        at = None if place.at.tzinfo is None else place.at.astimezone(UTC)
    except OverflowError:
        at = None
    if at is None:
        raise bad_request("The cursor is none of ours.", code="bad_cursor")
    return RunPlace(at=at, id=place.id)


def _document(found: Throughput) -> ThroughputDocument:
    buckets = []
    for step in found.steps:
        seconds = min(float(found.step_seconds), max((found.until - step.at).total_seconds(), 1.0))
        buckets.append(
            ThroughputBucket(
                at=step.at,
                rows_per_second=round(step.row_count / seconds, 3),
                quarantined_per_minute=round(SECONDS_PER_MINUTE * step.quarantined / seconds, 3),
            )
        )
    return ThroughputDocument(
        started_at=found.started_at, until=found.until, bucket_seconds=found.step_seconds, buckets=tuple(buckets)
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/migrations/{id}/status",
        operation_id="readMigrationStatus",
        permission=Permission.MIGRATION_READ,
        summary="How the migration's run is: the verdict, progress, pace, stages, balance",
        tag=Tag.MIGRATIONS,
        handler=read_migration_status,
        parameters=MigrationPath,
        answer=RunStatus,
    ),
    Endpoint(
        method="GET",
        path="/api/migrations/{id}/runs",
        operation_id="listMigrationRuns",
        permission=Permission.MIGRATION_READ,
        summary="The runs of a migration, youngest first",
        tag=Tag.MIGRATIONS,
        handler=list_runs,
        parameters=MigrationPath,
        query=RunsQuery,
        answer=RunList,
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{id}/status",
        operation_id="readRunStatus",
        permission=Permission.MIGRATION_READ,
        summary="How a run is or was: the verdict, progress, pace, stages, balance",
        tag=Tag.RUNS,
        handler=read_run_status,
        parameters=RunPath,
        answer=RunStatus,
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{id}/throughput",
        operation_id="readRunThroughput",
        permission=Permission.MIGRATION_READ,
        summary="Rows a second and refused rows a minute since the start",
        tag=Tag.RUNS,
        handler=read_throughput,
        parameters=RunPath,
        answer=ThroughputDocument,
    ),
)
