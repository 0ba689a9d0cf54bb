"""Documents of a run's report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.core.document import Document, Form
from shared.core.states import LoadMode, RunKind, RunState
from shared.ledger.snapshots import Notice
from shared.status.document import (
    BalanceStatus,
    BroughtInStatus,
    PhaseStatus,
    ReasonStatus,
    ResolvedStatus,
    Verdict,
    WarningStatus,
)


class ReportFormat(StrEnum):
    """How a report is wanted: for programs, or as one HTML file that needs nothing else."""

    JSON = "json"
    HTML = "html"


class ReportQuery(Form, frozen=True, kw_only=True):
    """The format; without one the header Accept decides."""

    format: ReportFormat | None = None


class ProofState(StrEnum):
    """What a check came to. What was not checked never counts as passed."""

    HOLDS = "holds"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Proof(Document, frozen=True, kw_only=True):
    """How one figure is known: by which check, with which result, when."""

    code: str
    check: str
    result: str
    state: ProofState
    at: datetime | None = None


class Deed(Document, frozen=True, kw_only=True):
    """Somebody started the run, or paused, resumed or cancelled it."""

    at: datetime
    actor: str
    verb: str


class ReportDocument(Document, frozen=True, kw_only=True):
    """A run's report. `sentence` says in words what `balance` says in figures; names and counts, no values of rows."""

    run_id: UUID
    migration_id: UUID
    migration: str
    plan: str
    plan_version: int
    plan_hash: str
    kind: RunKind
    mode: LoadMode
    state: RunState
    transfuse_version: str
    duckdb_version: str
    written_at: datetime
    snapshot_at: datetime | None
    snapshot_count: int
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    sentence: str
    verdict: Verdict
    balance: BalanceStatus
    evidence: tuple[Proof, ...]
    warnings: tuple[WarningStatus, ...]
    brought_in: tuple[BroughtInStatus, ...]
    notices: tuple[Notice, ...]
    quarantine: tuple[ReasonStatus, ...]
    resolved: tuple[ResolvedStatus, ...]
    phases: tuple[PhaseStatus, ...]
    deeds: tuple[Deed, ...]
