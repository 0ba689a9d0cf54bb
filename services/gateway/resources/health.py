"""Whether everything answers."""

from __future__ import annotations

from http import HTTPStatus

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from shared.identity.permissions import Permission
from shared.runtime.probing import ask
from shared.status.health import Health, HealthDocument, health_document


async def read_health(call: Call[Nothing, Nothing, None]) -> Answer[HealthDocument]:
    api = call.api
    failures = await ask({"redis": api.redis.probe, "bus": api.bus.probe})
    document = health_document(api.board, redis=failures["redis"] is None, bus=failures["bus"] is None, now=api.clock())
    status = HTTPStatus.OK if document.status is Health.HEALTHY else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(document=document, status=status)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/health",
        operation_id="readHealth",
        permission=Permission.HEALTH_READ,
        summary="Whether every system and every service answers",
        tag=Tag.SYSTEM,
        handler=read_health,
        answer=HealthDocument,
        also={HTTPStatus.SERVICE_UNAVAILABLE: HealthDocument},
    ),
)
