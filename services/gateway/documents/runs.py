"""Documents of runs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.core.counts import Counts
from shared.core.document import Document, Form
from shared.core.states import JobType, LoadMode, RunKind, RunState
from shared.ledger.snapshots import Notice
from shared.status.document import WarningStatus


class RunPath(Form, frozen=True, kw_only=True):
    """The run of a path."""

    id: UUID


class RunDocument(Document, frozen=True, kw_only=True):
    """One run as lists show it. `message` is that of a failure or pause, `reason` its code.

    `counts` are settled rows by outcome, `warnings` what was warned about in mappings, `notices` about the run as a
    whole, all as its status has them; `warning_count` counts both.
    """

    id: UUID
    migration_id: UUID
    migration: str
    type: JobType
    kind: RunKind
    mode: LoadMode
    state: RunState
    priority: int
    actor: str
    plan: str
    plan_version: int
    reason: str
    message: str
    remedy: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    counts: Counts = Counts()
    warnings: tuple[WarningStatus, ...] = ()
    notices: tuple[Notice, ...] = ()
    warning_count: int = 0
