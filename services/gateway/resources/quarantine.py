"""Refused rows: by reason, masked; and one of them in clear for who may see it, with a reason."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import ApiError, bad_request
from services.gateway.documents.cursor import cursor_of, place_of
from services.gateway.documents.quarantine import (
    ColumnDocument,
    GroupDocument,
    QuarantineDocument,
    QuarantineQuery,
    ReasonDocument,
    RowCursor,
    RowDocument,
    RowPath,
    RowState,
    UnmaskedDocument,
    UnmaskForm,
)
from services.gateway.documents.runs import RunPath
from services.gateway.reason_words import words_for
from shared.core.redaction import Masked, mask
from shared.identity.permissions import Permission
from shared.ledger.quarantine import Group, MaskedRow, RowFilter

UNMASKED = timedelta(seconds=60)


async def read_quarantine(call: Call[RunPath, QuarantineQuery, None]) -> QuarantineDocument:
    run, query, quarantine = call.path.id, call.query, call.api.quarantine
    await call.api.runs.get(run)
    resolution = None if query.state is None else query.state.resolution
    wanted = RowFilter(resolution=resolution, mapping=query.mapping, code=query.reason, column=query.column)
    count, waiting = await quarantine.counts(run)
    rows: tuple[MaskedRow, ...] | None = None
    if any(name is not None for name in (query.reason, query.mapping, query.column)):
        after = place_of(query.cursor, RowCursor).after if query.cursor else None
        if after is not None and not await quarantine.has(run, after):
            raise bad_request("The cursor is none of this run's.", code="bad_cursor")
        rows = await quarantine.rows(run, wanted, after=after, limit=query.limit + 1)
    elif query.cursor:
        raise bad_request("A cursor goes on in a list of rows: choose a reason, a mapping or a column.")
    shown = None if rows is None else rows[: query.limit]
    return QuarantineDocument(
        count=count,
        waiting=waiting,
        groups=None if query.cursor else tuple(map(group_document, await quarantine.groups(run, query.by, wanted))),
        rows=None if shown is None else tuple(map(row_document, shown)),
        next_cursor=cursor_of(RowCursor(after=shown[-1].id)) if rows and shown and len(rows) > query.limit else None,
    )


async def unmask_row(call: Call[RowPath, Nothing, UnmaskForm]) -> Answer[UnmaskedDocument]:
    """The audit has the reason before the loader is asked."""
    api, path = call.api, call.path
    if not await api.quarantine.has(path.id, path.row):
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no such row in quarantine.", code="unknown_row")
    row = await api.unmasking.unmask(path.id, path.row)
    document = UnmaskedDocument(
        ref=path.row,
        mapping=row.mapping,
        legacy_key=row.legacy_key,
        columns=row.columns,
        expires_at=api.clock() + UNMASKED,
    )
    return Answer(document=document, audit={"run": str(path.id), "mapping": row.mapping})


def group_document(group: Group) -> GroupDocument:
    """A group as the API shows it."""
    words = words_for(group.code) if group.code else None
    return GroupDocument(
        mapping=group.mapping,
        column=group.column,
        reason=group.code,
        stage=group.stage,
        waits_for=group.waits_for,
        count=group.row_count,
        waiting=group.waiting,
        title=words.title if words else "",
        remedy=words.remedy if words else "",
    )


def row_document(row: MaskedRow) -> RowDocument:
    """A row as the API shows it."""
    return RowDocument(
        ref=row.id,
        mapping=row.mapping,
        stage=row.stage,
        reasons=tuple(
            ReasonDocument(
                reason=reason.code, column=reason.column, sqlstate=reason.sqlstate, title=words_for(reason.code).title
            )
            for reason in row.reasons
        ),
        columns=tuple(_column(name, value) for name, value in row.columns.items()),
        waits_for=row.waits_for,
        state=RowState(row.resolution.value) if row.resolution.value else RowState.WAITING,
        resolved_at=row.resolved_at,
        created_at=row.created_at,
    )


def _column(name: str, value: Masked | str | None) -> ColumnDocument:
    """A masked value is its kind alone: even its length could tell something."""
    if isinstance(value, Masked):
        return ColumnDocument(name=name, kind=value.kind, clear=False, value=None)
    return ColumnDocument(name=name, kind=mask(value).kind, clear=True, value=value)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/runs/{id}/quarantine",
        operation_id="readQuarantine",
        permission=Permission.MIGRATION_READ,
        summary="Refused rows by reason, their values masked",
        tag=Tag.QUARANTINE,
        handler=read_quarantine,
        parameters=RunPath,
        query=QuarantineQuery,
        answer=QuarantineDocument,
    ),
    Endpoint(
        method="POST",
        path="/api/runs/{id}/quarantine/{row}/unmask",
        operation_id="unmaskRow",
        permission=Permission.QUARANTINE_UNMASK,
        summary="One refused row in clear, for a minute, with a reason for the audit",
        tag=Tag.QUARANTINE,
        handler=unmask_row,
        parameters=RowPath,
        body=UnmaskForm,
        answer=UnmaskedDocument,
        also={HTTPStatus.NOT_FOUND: None, HTTPStatus.CONFLICT: None, HTTPStatus.SERVICE_UNAVAILABLE: None},
        audit="quarantine.unmask",
        audited=("reason",),
    ),
)
