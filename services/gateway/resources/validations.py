"""Dry runs: their report, and their end where nobody waits for it."""

from __future__ import annotations

from http import HTTPStatus

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.documents.runs import RunDocument, RunPath
from services.gateway.resources.runs import document_with_outcome
from shared.identity.permissions import Permission
from shared.ledger.validations import read_validation
from shared.status.validation import ValidationDocument, validation_of


async def read_run_validation(call: Call[RunPath, Nothing, None]) -> ValidationDocument:
    async with call.api.ledger.acquire() as connection:
        planned = await read_validation(connection, call.path.id)
    return validation_of(planned, await call.api.progress.read(call.path.id))


async def cancel_one_run(call: Call[RunPath, Nothing, None]) -> Answer[RunDocument]:
    run = call.path.id
    await call.api.runs.cancel(run, actor=call.caller.who.actor)
    await call.api.statuses.changed(run)
    document = await document_with_outcome(call.api, await call.api.runs.get(run))
    return Answer(document=document, audit={"run": str(run)})


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/runs/{id}/cancel",
        operation_id="cancelOneRun",
        permission=Permission.MIGRATION_CANCEL,
        summary="End this run for good, also a dry run, which goes beside what its migration is at",
        tag=Tag.RUNS,
        handler=cancel_one_run,
        parameters=RunPath,
        answer=RunDocument,
        also={HTTPStatus.CONFLICT: None},
        audit="run.cancel",
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{id}/validation",
        operation_id="readRunValidation",
        permission=Permission.MIGRATION_READ,
        summary="What a dry run found, check by check; a run that is none answers 409",
        tag=Tag.RUNS,
        handler=read_run_validation,
        parameters=RunPath,
        answer=ValidationDocument,
        also={HTTPStatus.CONFLICT: None},
    ),
)
