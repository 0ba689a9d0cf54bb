"""Documents of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from shared.core.counts import Counts
from shared.core.document import Document, Form
from shared.core.states import JobType, LoadMode, RunKind, RunState
from shared.ledger.snapshots import Notice
from shared.status.document import WarningStatus


class RunPath(Form, frozen=True, kw_only=True):
    """The run of a path."""

    id: UUID


class ResumeForm(Form, frozen=True, kw_only=True):
    """Which paused or failed mappings are opened again; all of them where none is named."""

    mappings: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=1000)] = ()


class RunDocument(Document, frozen=True, kw_only=True):
    """One run as lists show it. `message` is that of a failure or pause, `reason` its code.

    `counts` are settled rows by outcome, `warnings` what was warned about in mappings, `notices` about the run as a
    whole, all as its status has them; `warning_count` counts both. `about` is the run that this one undoes, verifies or
    replays rows of; since `undoneAt` what the run wrote is not there any more.
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
    about: UUID | None = None
    undone_at: datetime | None = None
    counts: Counts = Counts()
    warnings: tuple[WarningStatus, ...] = ()
    notices: tuple[Notice, ...] = ()
    warning_count: int = 0
