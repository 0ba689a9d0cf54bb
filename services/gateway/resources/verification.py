"""Verify a run, read what was found, repair it by key."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Tag
from services.gateway.api.problems import bad_request
from services.gateway.documents.cursor import cursor_of, place_of
from services.gateway.documents.runs import RunDocument, RunPath
from services.gateway.documents.verification import (
    FindingCursor,
    FindingsDocument,
    FindingsQuery,
    RepairForm,
    VerificationDocument,
    VerifyForm,
    finding_document,
    verification_document,
)
from services.gateway.resources.runs import document_with_outcome
from shared.identity.permissions import Permission
from shared.ledger.verification import Verifications, unverified
from shared.ledger.verifying import Verifying


async def verify_run(call: Call[RunPath, Nothing, VerifyForm]) -> Answer[RunDocument]:
    run = await Verifying(call.api.ledger).verify(call.path.id, actor=call.caller.who.actor, sample=call.body.sample)
    return await _started(call, run)


async def repair_run(call: Call[RunPath, Nothing, RepairForm]) -> Answer[RunDocument]:
    run = await Verifying(call.api.ledger).repair(
        call.path.id, actor=call.caller.who.actor, with_changed=call.body.with_changed
    )
    return await _started(call, run)


async def read_verification(call: Call[RunPath, Nothing, None]) -> VerificationDocument:
    found = await Verifications(call.api.ledger).read(call.path.id)
    if found is not None:
        return verification_document(found)
    return verification_document(unverified(await call.api.runs.get(call.path.id)))


async def list_findings(call: Call[RunPath, FindingsQuery, None]) -> FindingsDocument:
    run, query, verifications = call.path.id, call.query, Verifications(call.api.ledger)
    after = place_of(query.cursor, FindingCursor).after if query.cursor else None
    if after is not None and not await verifications.has(run, after):
        raise bad_request("The cursor is none of this run's.", code="bad_cursor")
    found = await verifications.findings(
        run, mapping=query.mapping, kind=query.kind, after=after, limit=query.limit + 1
    )
    shown = found[: query.limit]
    return FindingsDocument(
        findings=tuple(map(finding_document, shown)),
        next_cursor=cursor_of(FindingCursor(after=shown[-1].id)) if len(found) > query.limit else None,
    )


async def _started(
    call: Call[RunPath, Nothing, VerifyForm] | Call[RunPath, Nothing, RepairForm], run: UUID
) -> Answer[RunDocument]:
    document = await document_with_outcome(call.api, await call.api.runs.get(run))
    return Answer(
        document=document,
        status=HTTPStatus.ACCEPTED,
        headers={"Location": f"/api/runs/{run}"},
        audit={"run": str(run)},
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/runs/{id}/verify",
        operation_id="verifyRun",
        permission=Permission.MIGRATION_START,
        summary="Compare the rows that a run loaded with the source, row by row; nothing is written",
        tag=Tag.RUNS,
        handler=verify_run,
        parameters=RunPath,
        body=VerifyForm,
        answer=RunDocument,
        status=HTTPStatus.ACCEPTED,
        also={HTTPStatus.CONFLICT: None, HTTPStatus.UNPROCESSABLE_ENTITY: None},
        headers=("Location",),
        limit=Limit.STARTS,
        audit="run.verify",
        audited=("sample",),
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{id}/verification",
        operation_id="readVerification",
        permission=Permission.MIGRATION_READ,
        summary="What the last verify of a run found, by mapping and column",
        tag=Tag.RUNS,
        handler=read_verification,
        parameters=RunPath,
        answer=VerificationDocument,
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{id}/findings",
        operation_id="listFindings",
        permission=Permission.MIGRATION_READ,
        summary="Rows that are not as they should be, by their keys in the target",
        tag=Tag.RUNS,
        handler=list_findings,
        parameters=RunPath,
        query=FindingsQuery,
        answer=FindingsDocument,
    ),
    Endpoint(
        method="POST",
        path="/api/runs/{id}/repair",
        operation_id="repairRun",
        permission=Permission.MIGRATION_REPLAY,
        summary="Write the rows anew that a verify found different or missing",
        tag=Tag.RUNS,
        handler=repair_run,
        parameters=RunPath,
        body=RepairForm,
        answer=RunDocument,
        status=HTTPStatus.ACCEPTED,
        also={HTTPStatus.CONFLICT: None, HTTPStatus.UNPROCESSABLE_ENTITY: None},
        headers=("Location",),
        limit=Limit.STARTS,
        audit="run.repair",
        audited=("with_changed",),
    ),
)
