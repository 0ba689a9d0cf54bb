"""Which events a reading of a run gives rise to."""

from __future__ import annotations

from collections.abc import Iterator

from services.notifier.documents import (
    CompletedEvent,
    ErrorEvent,
    MappingProgress,
    ProgressEvent,
    StatusEvent,
    Summary,
)
from shared.core.document import Document
from shared.core.states import RunState
from shared.status.document import RunStatus

Told = tuple[str, Document]


def events_of(status: RunStatus, before: RunStatus | None = None) -> Iterator[Told]:
    """Progress always; the state, the failure, the end where they are other than `before`, or nothing was told yet."""
    yield "migration:progress", _progress(status)
    if before is not None and (before.run_id, before.phase) == (status.run_id, status.phase):
        return
    yield (
        "migration:status",
        StatusEvent(
            migration_id=status.id,
            run_id=status.run_id,
            seq=status.seq,
            status=status.status,
            phase=status.phase,
            timestamp=status.read_at,
        ),
    )
    if status.run_id is not None and status.error is not None:
        yield (
            "migration:error",
            ErrorEvent(
                migration_id=status.id,
                run_id=status.run_id,
                seq=status.seq,
                error=status.error.message,
                code=status.error.code,
                remedy=status.error.remedy,
                timestamp=status.completed_at or status.read_at,
            ),
        )
    if status.phase is RunState.COMPLETED:
        yield "migration:completed", _completed(status)


def _progress(status: RunStatus) -> ProgressEvent:
    return ProgressEvent(
        migration_id=status.id,
        run_id=status.run_id,
        seq=status.seq,
        progress=status.progress.percentage,
        current=status.progress.current,
        total=status.progress.total,
        message=status.verdict.headline,
        phase=status.phase,
        mappings=tuple(
            MappingProgress(
                mapping=mapping.mapping,
                pass_number=mapping.pass_number,
                state=mapping.state,
                current=mapping.current,
                total=mapping.total,
                counts=mapping.counts,
                rows_per_second=mapping.rows_per_second,
            )
            for mapping in status.mappings
        ),
        rows_per_second=status.rows_per_second,
        eta_seconds=None if status.eta is None else status.eta.seconds,
        status=status,
    )


def _completed(status: RunStatus) -> CompletedEvent:
    assert status.run_id is not None  # what has no run is pending  # noqa: S101
    ended = status.completed_at or status.read_at
    began = status.started_at or status.created_at or ended
    return CompletedEvent(
        migration_id=status.id,
        run_id=status.run_id,
        seq=status.seq,
        summary=Summary(
            run_id=status.run_id,
            status=status.status,
            rows=status.counts,
            warnings=len(status.warnings) + len(status.notices),
            duration_seconds=round((ended - began).total_seconds(), 3),
            report_url=f"/api/runs/{status.run_id}/report",
        ),
        timestamp=ended,
    )
