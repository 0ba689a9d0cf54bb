"""The audit: its entries, and whether its chain is whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import bad_request
from services.gateway.chain_watch import Looked
from services.gateway.documents.audit import (
    AuditCursor,
    AuditEntryDocument,
    AuditPage,
    AuditQuery,
    ChainDocument,
    ChainState,
)
from services.gateway.documents.cursor import cursor_of, place_of
from shared.identity.permissions import Permission
from shared.ledger.audit import AuditFilter
from shared.ledger.audit_chain import RecordedEntry


async def read_audit(call: Call[Nothing, AuditQuery, None]) -> AuditPage:
    query = call.query
    wanted = AuditFilter(
        actor=query.actor or None,
        subject=None if query.subject is None else str(query.subject),
        action=query.action or None,
        object_id=query.object_id or None,
        since=_in_utc(query.from_),
        until=_in_utc(query.to),
    )
    before = place_of(query.cursor, AuditCursor).before if query.cursor else None
    entries = await call.api.audit.list(wanted, before=before, limit=query.limit + 1)
    watch = call.api.chain_watch
    looked = await watch.look_at_all() if query.verify else await watch.look()
    shown = entries[: query.limit]
    return AuditPage(
        entries=tuple(map(entry_document, shown)),
        next_cursor=cursor_of(AuditCursor(before=shown[-1].seq)) if len(entries) > query.limit else None,
        chain=chain_document(looked),
    )


def entry_document(entry: RecordedEntry) -> AuditEntryDocument:
    """An entry of the ledger as the API shows it."""
    fields = msgspec.structs.asdict(entry)
    detail = msgspec.json.decode(entry.detail, type=dict[str, Any])
    subject = detail.get("subject")
    return AuditEntryDocument(**{**fields, "detail": detail, "subject": None if subject is None else str(subject)})


def chain_document(looked: Looked | None) -> ChainDocument:
    """What is known of the chain, None where nothing is yet."""
    if looked is None:
        return ChainDocument(
            verified=ChainState.NOT_CHECKED, checked_at=None, count=0, head="", fault=None, broken_at=None
        )
    found = looked.verification
    return ChainDocument(
        verified=ChainState.WHOLE if found.whole else ChainState.BROKEN,
        checked_at=looked.checked_at,
        count=looked.count,
        head=found.head_text,
        fault=found.fault,
        broken_at=found.broken_at,
    )


def _in_utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC. Raises ApiError 400 for one that UTC has no date for."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise bad_request("The time is beyond the years 1 to 9999.", code="bad_time") from error


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/audit",
        operation_id="readAudit",
        permission=Permission.AUDIT_READ,
        summary="Who did what, youngest first, and whether the chain is whole",
        tag=Tag.SYSTEM,
        handler=read_audit,
        query=AuditQuery,
        answer=AuditPage,
    ),
)
