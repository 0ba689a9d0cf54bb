"""The figures of the whole installation."""

from __future__ import annotations

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from shared.identity.permissions import Permission
from shared.runtime.memory import resident_bytes
from shared.status.figures import MetricsDocument, metrics_document
from shared.status.processes import processes_of
from shared.status.queues import queues_of


async def read_metrics(call: Call[Nothing, Nothing, None]) -> MetricsDocument:
    api = call.api
    figures = await api.figures.read()
    return metrics_document(
        figures,
        memory_bytes=resident_bytes(),
        uptime_seconds=max((api.clock() - api.started_at).total_seconds(), 0.0),
        queues=await queues_of(api.board, figures, api.bus.depth),
        processes=processes_of(api.board),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/metrics",
        operation_id="readMetrics",
        permission=Permission.HEALTH_READ,
        summary="Runs by how they are, batches in flight, the queues, the processes of every service",
        tag=Tag.SYSTEM,
        handler=read_metrics,
        answer=MetricsDocument,
    ),
)
