"""The figures of the whole installation, as the portal asks them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.document import Document
from shared.ledger.figures import LedgerFigures
from shared.status.processes import ProcessesDocument
from shared.status.queues import QueueDocument


class MetricsDocument(Document, frozen=True, kw_only=True):
    """Jobs are runs of every kind; `queue_size` counts batches that are dispatched and not settled.

    `memory_usage` is in bytes, `uptime` in seconds, both of the process that answers. `queues` are the work queues,
    `processes` those of every service, by their reports.
    """

    active_jobs: int
    completed_jobs: int
    failed_jobs: int
    queue_size: int
    memory_usage: int
    uptime: float
    queues: tuple[QueueDocument, ...]
    processes: tuple[ProcessesDocument, ...]


def metrics_document(
    figures: LedgerFigures,
    *,
    memory_bytes: int,
    uptime_seconds: float,
    queues: Sequence[QueueDocument],
    processes: Sequence[ProcessesDocument],
) -> MetricsDocument:
    """The ledger's figures beside those of a process, the queues and the services."""
    return MetricsDocument(
        active_jobs=figures.active_runs,
        completed_jobs=figures.completed_runs,
        failed_jobs=figures.failed_runs,
        queue_size=figures.batches_in_flight,
        memory_usage=memory_bytes,
        uptime=round(uptime_seconds, 3),
        queues=tuple(queues),
        processes=tuple(processes),
    )
