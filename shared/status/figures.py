"""The figures of the whole installation, as the portal asks them."""

from __future__ import annotations

from shared.core.document import Document
from shared.ledger.figures import LedgerFigures


class MetricsDocument(Document, frozen=True, kw_only=True):
    """Jobs are runs of every kind; `queue_size` counts batches that are dispatched and not settled.

    `memory_usage` is in bytes, `uptime` in seconds, both of the process that answers.
    """

    active_jobs: int
    completed_jobs: int
    failed_jobs: int
    queue_size: int
    memory_usage: int
    uptime: float


def metrics_document(figures: LedgerFigures, *, memory_bytes: int, uptime_seconds: float) -> MetricsDocument:
    """The ledger's figures beside those of a process."""
    return MetricsDocument(
        active_jobs=figures.active_runs,
        completed_jobs=figures.completed_runs,
        failed_jobs=figures.failed_runs,
        queue_size=figures.batches_in_flight,
        memory_usage=memory_bytes,
        uptime=round(uptime_seconds, 3),
    )
