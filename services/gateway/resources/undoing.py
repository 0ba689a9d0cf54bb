"""Undoing a run: a run of its own, which the dispatcher takes up."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version

from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Tag
from services.gateway.documents.runs import RunDocument, RunPath
from services.gateway.documents.undoing import UndoForm
from services.gateway.resources.runs import document_of
from shared.identity.permissions import Permission
from shared.ledger.outcomes import RunOutcome
from shared.ledger.undos import NewUndo, Undos

VERSION = version("transfuse")


async def undo_run(call: Call[RunPath, Nothing, UndoForm]) -> Answer[RunDocument]:
    actor = call.caller.who.actor
    new = NewUndo(run=call.path.id, actor=actor, transfuse_version=VERSION, built_on=call.body.built_on)
    run = await Undos(call.api.ledger).start(new)
    return Answer(
        document=document_of(await call.api.runs.get(run), RunOutcome()),
        status=HTTPStatus.ACCEPTED,
        headers={"Location": f"/api/runs/{run}"},
        audit={"undo": str(run)},
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/runs/{id}/undo",
        operation_id="undoRun",
        permission=Permission.MIGRATION_UNDO,
        summary="Take back what a run wrote: a run of its own, which leaves the rows of all others alone",
        tag=Tag.RUNS,
        handler=undo_run,
        parameters=RunPath,
        body=UndoForm,
        answer=RunDocument,
        status=HTTPStatus.ACCEPTED,
        also={HTTPStatus.CONFLICT: None},
        headers=("Location",),
        limit=Limit.STARTS,
        audit="run.undo",
        audited=("built_on",),
    ),
)
