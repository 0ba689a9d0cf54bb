"""What is sent to browsers: each a whole snapshot, so that a lost one is harmless."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from shared.core.counts import Counts
from shared.core.document import Document
from shared.core.states import MappingState, RunState
from shared.ledger.register import ShownState
from shared.status.document import RunStatus
from shared.status.figures import MetricsDocument
from shared.status.health import Health, ServicesHealth


class MappingProgress(Document, frozen=True, kw_only=True):
    """How far one pass of a mapping is; `total` is None until it is counted."""

    mapping: str
    pass_number: int = msgspec.field(name="pass")
    state: MappingState
    current: int
    total: int | None
    counts: Counts
    rows_per_second: float


class ProgressEvent(Document, frozen=True, kw_only=True):
    """`migration:progress`. Of two of one run the higher `seq` is the younger; `progress` is 0 to 100, in rows settled.

    `run_id` is None and `seq` 0 while the migration has never run.
    """

    migration_id: UUID
    run_id: UUID | None
    seq: int
    progress: float
    current: int
    total: int
    message: str
    phase: RunState
    mappings: tuple[MappingProgress, ...]
    rows_per_second: float
    eta_seconds: int | None
    status: RunStatus


class StatusEvent(Document, frozen=True, kw_only=True):
    """`migration:status`: a run entered a state; `phase` is the finer word for it."""

    migration_id: UUID
    run_id: UUID | None
    seq: int
    status: ShownState
    phase: RunState
    timestamp: datetime


class ErrorEvent(Document, frozen=True, kw_only=True):
    """`migration:error`: a run failed. `error` is a sentence, `code` the word for programs."""

    migration_id: UUID
    run_id: UUID
    seq: int
    error: str
    code: str
    remedy: str
    timestamp: datetime


class Summary(Document, frozen=True, kw_only=True):
    """What a run came to. `rows` are by outcome, `warnings` counts what was warned about."""

    run_id: UUID
    status: ShownState
    rows: Counts
    warnings: int
    duration_seconds: float
    report_url: str


class CompletedEvent(Document, frozen=True, kw_only=True):
    """`migration:completed`: a run is complete, and balances."""

    migration_id: UUID
    run_id: UUID
    seq: int
    summary: Summary
    timestamp: datetime


class SystemEvent(MetricsDocument, frozen=True, kw_only=True):
    """`system:metrics`: the figures of the installation, and whether everything answers."""

    status: Health
    services: ServicesHealth
    timestamp: datetime
