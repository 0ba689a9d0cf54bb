"""What happened to a run, and when."""

from __future__ import annotations

from services.gateway.api.endpoint import Call, Endpoint, Tag
from services.gateway.documents.events import EventDocument, EventList, EventsQuery
from services.gateway.documents.runs import RunPath
from shared.identity.permissions import Permission
from shared.ledger.events import LevelledEvent


async def list_events(call: Call[RunPath, EventsQuery, None]) -> EventList:
    query = call.query
    found = await call.api.events.read(call.path.id, after=query.after, level=query.level, limit=query.limit + 1)
    shown = found[: query.limit]
    return EventList(
        events=tuple(map(_document, shown)),
        next_after=shown[-1].seq if len(found) > len(shown) else None,
    )


def _document(event: LevelledEvent) -> EventDocument:
    return EventDocument(seq=event.seq, at=event.at, level=event.level, kind=event.kind, detail=event.detail)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/runs/{id}/events",
        operation_id="listRunEvents",
        permission=Permission.MIGRATION_READ,
        summary="The history of a run, oldest first",
        tag=Tag.RUNS,
        handler=list_events,
        parameters=RunPath,
        query=EventsQuery,
        answer=EventList,
    ),
)
