"""Cancel, pause and resume what a migration is at: its active run, else its youngest."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import conflict
from services.gateway.documents.migrations import MigrationPath
from services.gateway.documents.runs import ResumeForm, RunDocument
from services.gateway.resources.runs import document_with_outcome
from shared.identity.permissions import Permission

Asked = Call[MigrationPath, Nothing, None] | Call[MigrationPath, Nothing, ResumeForm]


async def cancel_run(call: Asked) -> Answer[RunDocument]:
    run = await _run(call)
    await call.api.runs.cancel(run, actor=call.caller.who.actor)
    return await _answer(call, run)


async def pause_run(call: Asked) -> Answer[RunDocument]:
    run = await _run(call)
    await call.api.runs.pause(run, actor=call.caller.who.actor)
    return await _answer(call, run)


async def resume_run(call: Call[MigrationPath, Nothing, ResumeForm]) -> Answer[RunDocument]:
    """Without a body every paused and failed mapping is opened again; with `mappings`, those alone."""
    run = await _run(call)
    # What goes on is left alone: its services are there, and batches in flight are not to be issued twice.
    await call.api.runs.resume(run, actor=call.caller.who.actor, only_stopped=True, mappings=call.body.mappings)
    return await _answer(call, run)


async def _run(call: Asked) -> UUID:
    migration = await call.api.register.get(call.path.id)
    if migration.last_run is None:
        raise conflict("This migration has no run yet.", code="no_run", remedy="Start one.")
    return migration.last_run.id


async def _answer(call: Asked, run: UUID) -> Answer[RunDocument]:
    await call.api.statuses.changed(run)
    document = await document_with_outcome(call.api, await call.api.runs.get(run))
    return Answer(document=document, audit={"run": str(run)})


def _endpoint(verb: str, summary: str, permission: Permission) -> Endpoint:
    handlers = {"cancel": cancel_run, "pause": pause_run, "resume": resume_run}
    return Endpoint(
        method="POST",
        path=f"/api/migrations/{{id}}/{verb}",
        operation_id=f"{verb}Run",
        permission=permission,
        summary=summary,
        tag=Tag.RUNS,
        handler=handlers[verb],
        parameters=MigrationPath,
        answer=RunDocument,
        also={HTTPStatus.CONFLICT: None},
        body=ResumeForm if verb == "resume" else None,
        body_optional=True,
        audit=f"run.{verb}",
        audited=("mappings",) if verb == "resume" else (),
    )


ENDPOINTS = (
    _endpoint("cancel", "End the run for good; nothing commits after `cancelled`", Permission.MIGRATION_CANCEL),
    _endpoint("pause", "Dispatch no more; batches in flight settle", Permission.MIGRATION_PAUSE),
    _endpoint("resume", "Go on with a run that is paused or failed", Permission.MIGRATION_PAUSE),
)
