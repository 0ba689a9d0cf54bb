"""Refused rows again: replayed after a fix, edited before that, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version

from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Tag
from services.gateway.api.problems import ApiError, bad_request
from services.gateway.documents.quarantine import RowPath
from services.gateway.documents.replay import DiscardedDocument, DiscardForm, EditedDocument, EditForm, RowChoice
from services.gateway.documents.runs import RunDocument, RunPath
from services.gateway.resources.runs import document_of
from shared.core.run_options import ReplayChoice
from shared.core.unmasked import EditRequest
from shared.identity.permissions import Permission
from shared.ledger.outcomes import RunOutcome
from shared.ledger.replays import Discarded, discard_rows, start_replay
from shared.ledger.runs import read_runs

VERSION = version("transfuse")


async def replay_rows(call: Call[RunPath, Nothing, RowChoice]) -> Answer[RunDocument]:
    """A run of its own, which the dispatcher takes up."""
    choice = choice_of(call.body)
    async with call.api.ledger.acquire() as connection:
        run = await start_replay(
            connection, call.path.id, choice, actor=call.caller.who.actor, transfuse_version=VERSION
        )
        (written,) = await read_runs(connection, [run])
    return Answer(
        document=document_of(written, RunOutcome()),
        status=HTTPStatus.ACCEPTED,
        headers={"Location": f"/api/runs/{run}"},
        audit={"replay": str(run)},
    )


async def discard(call: Call[RunPath, Nothing, DiscardForm]) -> Answer[DiscardedDocument]:
    """The audit has the reason before the rows are given up."""
    choice = choice_of(call.body.choice)
    async with call.api.ledger.acquire() as connection:
        found = await discard_rows(connection, call.path.id, choice)
    count = sum(item.row_count for item in found)
    document = DiscardedDocument(count=count, mappings={item.mapping: item.row_count for item in found})
    return Answer(document=document, audit={"rows": count, "mappings": told(found)})


async def edit_row(call: Call[RowPath, Nothing, EditForm]) -> Answer[EditedDocument]:
    """The audit has the reason before the loader, who alone can seal the value, is asked."""
    api, path, body = call.api, call.path, call.body
    if not await api.quarantine.has(path.id, path.row):
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no such row in quarantine.", code="unknown_row")
    edited = await api.unmasking.edit(
        path.row,
        EditRequest(run=path.id, column=body.column, value=body.value, actor=call.caller.who.actor, reason=body.reason),
    )
    document = EditedDocument(ref=path.row, mapping=edited.mapping, column=edited.column, kept_old=edited.kept_old)
    return Answer(document=document, audit={"run": str(path.id), "mapping": edited.mapping, "column": edited.column})


def told(found: Sequence[Discarded]) -> str:
    """How many rows of which mappings were given up, for the audit."""
    return ", ".join(f"{item.mapping} {item.row_count}" for item in found)


def choice_of(form: RowChoice) -> ReplayChoice:
    """The choice as the ledger takes it. Raises ApiError 400 unless rows are chosen in one way."""
    described = any(name is not None for name in (form.reason, form.column, form.mapping))
    if [form.rows is not None, described, form.all].count(True) != 1:
        raise bad_request(
            "Say in one way which rows are meant.",
            code="contradiction",
            remedy='Give `rows`; or some of `reason`, `column` and `mapping`; or `"all": true`.',
        )
    return ReplayChoice(rows=form.rows, code=form.reason, column=form.column, mapping=form.mapping)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/runs/{id}/replay",
        operation_id="replayRows",
        permission=Permission.MIGRATION_REPLAY,
        summary="Start a run that reads refused rows again, by the newest version of the plan",
        tag=Tag.QUARANTINE,
        handler=replay_rows,
        parameters=RunPath,
        body=RowChoice,
        answer=RunDocument,
        status=HTTPStatus.ACCEPTED,
        also={HTTPStatus.NOT_FOUND: None, HTTPStatus.CONFLICT: None},
        headers=("Location",),
        limit=Limit.STARTS,
        audit="run.replay",
    ),
    Endpoint(
        method="POST",
        path="/api/runs/{id}/quarantine/discard",
        operation_id="discardRows",
        permission=Permission.MIGRATION_REPLAY,
        summary="Give refused rows up for good, with a reason for the audit",
        tag=Tag.QUARANTINE,
        handler=discard,
        parameters=RunPath,
        body=DiscardForm,
        answer=DiscardedDocument,
        also={HTTPStatus.NOT_FOUND: None, HTTPStatus.CONFLICT: None},
        audit="quarantine.discard",
        audited=("reason",),
    ),
    Endpoint(
        method="POST",
        path="/api/runs/{id}/quarantine/{row}/edit",
        operation_id="editRow",
        permission=Permission.QUARANTINE_UNMASK,
        summary="Put another value in the place of the source's, for the replay of one refused row",
        tag=Tag.QUARANTINE,
        handler=edit_row,
        parameters=RowPath,
        body=EditForm,
        answer=EditedDocument,
        also={
            HTTPStatus.NOT_FOUND: None,
            HTTPStatus.CONFLICT: None,
            HTTPStatus.UNPROCESSABLE_ENTITY: None,
            HTTPStatus.SERVICE_UNAVAILABLE: None,
        },
        audit="quarantine.edit",
        audited=("reason",),  # the column once it is known to be one
    ),
)
